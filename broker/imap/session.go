package imap

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	// answer is how long a command may take. Large mailboxes are searched slowly.
	answer = 2 * time.Minute
	// slowest is how many bytes of a mail must come in a second, beside that.
	slowest = 32 << 10
)

// session is a connection on which somebody is signed in. The library is used here, in move.go and in connect.go alone.
type session struct {
	c *imapclient.Client
	// conn is closed to end whatever goes on: the library waits without end, and its own Close waits for that.
	conn     net.Conn
	meter    *meter
	caps     imap.CapSet
	validity uint32
	// opened is what the server said of the inbox.
	opened *imap.SelectData
	// from is the UID of the first mail that came after the inbox was first opened; 0 before that is known.
	from imap.UID
	// keeps says that the inbox keeps the flag \Deleted.
	keeps bool
	// news has something in it when the server said that mails have come.
	news chan struct{}
	// hidden is an error without the secret; nil before that is known.
	hidden func(error) error
	// processed and deadLetter are the folders as the server names them.
	processed, deadLetter string
}

// do does a command, which has its result after so long or loses its connection.
func (s *session) do(ctx context.Context, most time.Duration, command func() error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	s.meter.left.Store(talkMost)
	defer context.AfterFunc(ctx, func() { _ = s.conn.Close() })()
	err := command()
	if s.hidden != nil {
		err = s.hidden(err)
	}
	if ended := ctx.Err(); err != nil && ended != nil {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

// close ends the connection, politely if it can be done at once.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.do(ctx, time.Second, func() error { return s.c.Logout().Wait() })
	_ = s.conn.Close()
	<-s.c.Closed()
}

// open selects the inbox.
func (s *session) open(ctx context.Context, m Mailbox) error {
	var data *imap.SelectData
	err := s.do(ctx, answer, func() (err error) {
		data, err = s.c.Select("INBOX", nil).Wait()
		return err
	})
	switch {
	case err != nil:
		p := broken(Opening, err, "opening the inbox of "+m.User)
		p.text += "; the sign-in was taken, so: does the user have a mailbox, is IMAP switched on for it, and, with an access token, may the application read it?"
		return p
	case data.UIDValidity == 0:
		return problem(Opening, nil, "the server gives no UIDVALIDITY for the inbox of %s: mails could be mistaken for one another, so none is read", m.User)
	}
	if m.leaves() {
		if p := m.marks(data.PermanentFlags); p != nil {
			return p
		}
	}
	s.validity, s.opened = data.UIDValidity, data
	s.keeps = len(data.PermanentFlags) == 0 || hasFlag(data.PermanentFlags, imap.FlagDeleted) // RFC 9051 section 7.1: without the code all are kept
	return nil
}

func hasFlag(flags []imap.Flag, flag imap.Flag) bool {
	for _, f := range flags {
		if f == flag {
			return true
		}
	}
	return false
}

// search are the UIDs of the inbox, or of whatever is open, that fit; the lowest come first.
func (s *session) search(ctx context.Context, criteria *imap.SearchCriteria) ([]imap.UID, error) {
	var data *imap.SearchData
	err := s.do(ctx, answer, func() (err error) {
		data, err = s.c.UIDSearch(criteria, nil).Wait()
		return err
	})
	if err != nil {
		return nil, err
	}
	set, _ := data.All.(imap.UIDSet)
	return lowest(set), nil
}

// listMost is how many mails of an inbox are looked at in one go. What is left then comes when these are moved.
const listMost = 200_000

// lowest are the numbers of a set, which a server can write as a range over all that there are.
func lowest(set imap.UIDSet) (uids []imap.UID) {
	for _, r := range set {
		for uid := uint64(r.Start); r.Start != 0 && uid <= uint64(r.Stop) && len(uids) < listMost; uid++ {
			uids = append(uids, imap.UID(uid))
		}
	}
	return uids
}

// list are the mails of the inbox, but for those that somebody has marked as deleted.
func (s *session) list(ctx context.Context) ([]imap.UID, error) {
	uids, err := s.search(ctx, &imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagDeleted}})
	if err != nil {
		return nil, broken(Listing, err, "listing the inbox")
	}
	return uids, nil
}

// has tells whether a mail is still there.
func (s *session) has(ctx context.Context, uid imap.UID) (bool, error) {
	uids, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uid)}, NotFlag: []imap.Flag{imap.FlagDeleted}})
	for _, found := range uids {
		if found == uid { // some servers answer for more than was asked
			return true, err
		}
	}
	return false, err
}
