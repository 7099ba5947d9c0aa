package imap

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// move puts a mail into a folder. It is false where the mail is not in the inbox any more.
func (s *session) move(ctx context.Context, uid imap.UID, folder string) (bool, error) {
	// The library asks for itself as well, and where there is no MOVE it would use EXPUNGE, which takes all mails that
	// anybody has marked.
	if !s.caps.Has(imap.CapMove) || !s.c.Caps().Has(imap.CapMove) {
		return s.substitute(ctx, uid, folder)
	}
	var data *imapclient.MoveData
	err := s.do(ctx, answer, func() (err error) {
		data, err = s.c.Move(imap.UIDSetNum(uid), folder).Wait()
		return err
	})
	switch {
	case expunged(err):
		return false, nil
	case err != nil:
		return false, s.notMoved(ctx, err, folder)
	}
	if moved, is := data.SourceUIDs.(imap.UIDSet); is && moved.Contains(uid) {
		return true, nil
	}
	// OK, but for what? Servers say so too where the mail had gone before.
	there, err := s.has(ctx, uid)
	switch {
	case err != nil:
		return false, broken(Moving, err, "looking for a mail that was moved")
	case there:
		return false, problem(Moving, nil, "the server says that it has moved a mail to %s, but it is still in the inbox", printable(folder))
	}
	return false, nil
}

// notMoved says why; a folder that has gone meanwhile is made anew, for the next time.
func (s *session) notMoved(ctx context.Context, err error, folder string) error {
	if said := new(imap.Error); errors.As(err, &said) && (said.Code == imap.ResponseCodeTryCreate || said.Code == imap.ResponseCodeNonExistent) {
		_ = s.create(ctx, folder) // if it fails, so does the next move
	}
	p := broken(Moving, err, "moving a mail to "+printable(folder))
	if said := new(imap.Error); errors.As(err, &said) {
		p.text += "; is the folder there, and may the user write to it? It is tried again"
	}
	return p
}

// substitute is for servers without MOVE (RFC 6851 section 3.3): copy, mark as deleted, and expunge this one mail. Where the
// server cannot expunge a single one it stays marked, and is not listed any more. It may have been begun before and cut off:
// what is in the folder already is not copied again, or copies would pile up there.
func (s *session) substitute(ctx context.Context, uid imap.UID, folder string) (bool, error) {
	switch there, err := s.has(ctx, uid); {
	case err != nil:
		return false, broken(Moving, err, "looking for a mail that is to be moved")
	case !there:
		return false, nil
	case !s.keeps:
		return false, problem(Moving, nil, "the server has no MOVE, and the user may not mark mails of the inbox as deleted: they cannot be moved to %s; give the user the right to", printable(folder))
	}
	copied, err := s.copied(ctx, uid, folder)
	if err != nil {
		return false, err
	}
	if !copied {
		if err := s.do(ctx, answer, func() error {
			_, err := s.c.Copy(imap.UIDSetNum(uid), folder).Wait()
			return err
		}); err != nil {
			return false, s.notMoved(ctx, err, folder)
		}
	}
	mark := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	err = s.do(ctx, answer, func() error { return s.c.Store(imap.UIDSetNum(uid), mark, nil).Close() })
	if err == nil && s.caps.Has(imap.CapUIDPlus) {
		err = s.do(ctx, answer, func() error { return s.c.UIDExpunge(imap.UIDSetNum(uid)).Close() })
	}
	if err != nil {
		return false, broken(Moving, err, "taking a mail out of the inbox that was copied to "+printable(folder))
	}
	return true, nil
}

// alikeMost is how many mails of a folder that have the size of one are compared with it.
const alikeMost = 20

// copied tells whether a mail of the inbox is in the folder: one with the same size and header. The search names no text of
// the mail, which not every server would find again.
func (s *session) copied(ctx context.Context, uid imap.UID, folder string) (found bool, err error) {
	known, header, err := s.header(ctx, uid)
	if err != nil || !known.there {
		return false, incomparable(err)
	}
	if err := s.do(ctx, answer, func() error {
		_, err := s.c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	}); err != nil {
		p := s.notMoved(ctx, err, folder)
		return false, errors.Join(p, s.reopen(ctx))
	}
	alike, err := s.search(ctx, &imap.SearchCriteria{Larger: known.size - 1, Smaller: known.size + 1})
	for i := len(alike) - 1; i >= max(0, len(alike)-alikeMost) && err == nil && !found; i-- {
		var other []byte
		if known, other, err = s.header(ctx, alike[i]); err == nil {
			found = known.there && bytes.Equal(header, other)
		}
	}
	return found, errors.Join(incomparable(err), s.reopen(ctx))
}

func incomparable(err error) error {
	if err == nil {
		return nil
	}
	return broken(Moving, err, "comparing a mail with those that were moved before")
}

// reopen goes back to the inbox.
func (s *session) reopen(ctx context.Context) error {
	var data *imap.SelectData
	err := s.do(ctx, answer, func() (err error) {
		data, err = s.c.Select("INBOX", nil).Wait()
		return err
	})
	if err == nil && data.UIDValidity != s.validity {
		err = errors.New("the inbox has begun anew")
	}
	if err != nil {
		_ = s.conn.Close() // nothing may be done in another folder, as if it were the inbox
		return broken(Moving, err, "going back to the inbox")
	}
	return nil
}

// header is the size and the first bytes of the header of a mail.
func (s *session) header(ctx context.Context, uid imap.UID) (known facts, header []byte, err error) {
	if known, err = s.facts(ctx, uid); err != nil || !known.there {
		return known, nil, err
	}
	section := &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, Peek: true, Partial: &imap.SectionPartial{Size: 64 << 10}}
	err = s.fetchOne(ctx, answer, uid, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}, func(item imapclient.FetchItemData) (err error) {
		if body, is := item.(imapclient.FetchItemDataBodySection); is && body.Literal != nil {
			header, err = io.ReadAll(body.Literal) // within what a server may say
		}
		return err
	})
	known.there = known.there && len(header) > 0
	return known, header, err
}
