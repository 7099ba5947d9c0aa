package imap

import (
	"cmp"
	"context"

	"github.com/emersion/go-imap/v2"
)

// Inbox's name on every server (RFC 9051 section 5.1).
const inboxName = "INBOX"

// Put puts a mail into the inbox (APPEND).
func (t *Trial) Put(ctx context.Context, raw []byte) error {
	err := t.s.do(ctx, answer, func() error {
		cmd := t.s.c.Append(inboxName, int64(len(raw)), nil)
		_, writing := cmd.Write(raw)
		closing := cmd.Close() // before Wait, whatever was written
		_, said := cmd.Wait()
		return cmp.Or(said, writing, closing) // what the server says tells most
	})
	if err != nil {
		return broken(Moving, err, "putting a mail into the inbox")
	}
	return nil
}

// Place is where a mail of a Trial lies, and what it has before its text.
type Place struct {
	Folder string
	UID    uint32
	Header []byte
}

// Mark is how many mails a folder has had so far; those with a UID from there on are new (UIDNEXT).
func (t *Trial) Mark(ctx context.Context, folder string) (next uint32, err error) {
	data, err := t.enter(ctx, folder)
	if err != nil {
		return 0, err
	}
	if data.UIDNext != 0 || data.NumMessages == 0 {
		return uint32(data.UIDNext), nil
	}
	uids, err := t.s.search(ctx, &imap.SearchCriteria{}) // a server of long ago
	if err != nil {
		return 0, broken(Listing, err, "listing "+printable(folder))
	}
	if len(uids) == 0 {
		return 0, nil
	}
	return uint32(uids[len(uids)-1]) + 1, nil
}

// enter opens a folder, as one that mails may be taken out of.
func (t *Trial) enter(ctx context.Context, folder string) (data *imap.SelectData, err error) {
	err = t.s.do(ctx, answer, func() error {
		data, err = t.s.c.Select(folder, nil).Wait()
		return err
	})
	if err != nil {
		return nil, broken(Opening, err, "opening "+printable(folder))
	}
	return data, nil
}

// newestMost is how many of the newest mails of a folder are looked at for one.
const newestMost = 100

// Seek looks for a mail among those of a folder whose UID is from or higher, by its header; nil where there is none. What is marked
// as deleted is passed over, unless deleted is set. The server is not asked to search for it, which not every one can.
func (t *Trial) Seek(ctx context.Context, folder string, from uint32, deleted bool, is func(header []byte) bool) (*Place, error) {
	if _, err := t.enter(ctx, folder); err != nil {
		return nil, err
	}
	var all imap.UIDSet
	all.AddRange(imap.UID(max(from, 1)), 0)
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{all}}
	if !deleted {
		criteria.NotFlag = []imap.Flag{imap.FlagDeleted}
	}
	uids, err := t.s.search(ctx, criteria)
	if err != nil {
		return nil, broken(Listing, err, "listing "+printable(folder))
	}
	for i := len(uids) - 1; i >= max(0, len(uids)-newestMost); i-- {
		if uint32(uids[i]) < from { // n:* always has the last mail in it
			continue
		}
		known, header, err := t.s.header(ctx, uids[i])
		switch {
		case expunged(err):
		case err != nil:
			return nil, broken(Fetching, err, "reading the header of a mail")
		case known.there && is(header):
			return &Place{Folder: folder, UID: uint32(uids[i]), Header: header}, nil
		}
	}
	return nil, nil
}

// Move moves a mail of the inbox as a Source does; false where it is not there any more.
func (t *Trial) Move(ctx context.Context, p Place, folder string) (bool, error) {
	if err := t.s.open(ctx, t.m); err != nil {
		return false, err
	}
	return t.s.move(ctx, imap.UID(p.UID), folder)
}

// Tag marks a mail of the inbox as done with, as a Source does where mails stay there; false where it is not there any more.
func (t *Trial) Tag(ctx context.Context, p Place) (bool, error) {
	if err := t.s.open(ctx, t.m); err != nil {
		return false, err
	}
	return t.s.mark(ctx, imap.UID(p.UID))
}

// Remove takes a mail out for good; false where it stays, marked as deleted, since the server cannot take a single one out.
func (t *Trial) Remove(ctx context.Context, p Place) (bool, error) {
	if _, err := t.enter(ctx, p.Folder); err != nil {
		return false, err
	}
	one := imap.UIDSetNum(imap.UID(p.UID))
	err := t.s.do(ctx, answer, func() error {
		return t.s.c.Store(one, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close()
	})
	single := t.s.caps.Has(imap.CapUIDPlus)
	if err == nil && single {
		err = t.s.do(ctx, answer, func() error { return t.s.c.UIDExpunge(one).Close() })
	}
	if err != nil {
		return false, broken(Moving, err, "taking a mail out of "+printable(p.Folder))
	}
	return single, nil
}
