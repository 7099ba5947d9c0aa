package imap

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// doneMark is the flag of mails that stay in the inbox and are done with. It is one of our own (RFC 9051 section 2.3.2), without the
// dollar sign of those that are registered for all (RFC 5788).
const doneMark imap.Flag = "PsagateDone"

// leaves tells whether mails that are done with stay in the inbox.
func (m Mailbox) leaves() bool { return !m.LeaveSince.IsZero() }

// marks says why mails of the inbox cannot be marked; nil where they can. A server that does not say which flags it keeps, or which
// opens the inbox for reading alone, keeps none of our own: RFC 9051 section 7.1 has \* for one that does.
func (m Mailbox) marks(kept []imap.Flag) *Problem {
	if slices.ContainsFunc(kept, func(f imap.Flag) bool {
		return f == imap.FlagWildcard || strings.EqualFold(string(f), string(doneMark))
	}) {
		return nil
	}
	return problem(Opening, nil, "mails are to be left in the inbox of %s, and the server keeps no marks of our own on them, by which those that are done with would be known: have them moved to folders, or give the user the right to change flags of the inbox, if it is that", m.User)
}

// unmarked are the mails of the inbox that are not marked as done with, nor as deleted, and were not there before: those that came
// since a day, and those whose UID is from or higher, whatever their date. (An old mail that somebody moves into the inbox keeps its
// date, and a mail server's clock may be wrong.)
//
// The server leaves out what is marked. So however many mails there are, only those are listed of which something is still to become.
// A mark that somebody takes off does no harm: the books know the mail.
func (s *session) unmarked(ctx context.Context, day time.Time, from imap.UID) ([]imap.UID, error) {
	none := []imap.Flag{imap.FlagDeleted, doneMark}
	uids, err := s.search(ctx, &imap.SearchCriteria{Since: day, NotFlag: none})
	if err == nil && from != 0 {
		var later []imap.UID
		var all imap.UIDSet
		all.AddRange(from, 0)
		later, err = s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{all}, NotFlag: none})
		uids = append(uids, slices.DeleteFunc(later, func(uid imap.UID) bool { return uid < from })...) // n:* always has the last mail in it
	}
	if err != nil {
		return nil, broken(Listing, err, "listing the mails of the inbox that are not done with")
	}
	slices.Sort(uids)
	return slices.Compact(uids), nil
}

// begin asks the books from where on mails are new, once for each connection.
func (s *Source) begin(ctx context.Context, session *session) (err error) {
	next := session.opened.UIDNext
	if !s.mailbox.leaves() || session.from != 0 || next == 0 { // a server of long ago does not say what is next: its dates have to do
		return nil
	}
	from, err := s.books.Begun(ctx, session.validity, uint32(next))
	session.from = imap.UID(from)
	return err
}

// mark marks a mail as done with. It is false where the mail is not in the inbox any more. It may have been marked before.
func (s *session) mark(ctx context.Context, uid imap.UID) (bool, error) {
	flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{doneMark}}
	err := s.do(ctx, answer, func() error { return s.c.Store(imap.UIDSetNum(uid), flags, nil).Close() })
	if expunged(err) {
		return false, nil
	}
	if err != nil {
		return false, broken(Moving, err, "marking a mail of the inbox as done with")
	}
	// OK, but for what? Servers say so too where the mail had gone before, and where they have forgotten the flag already.
	one := imap.UIDSetNum(uid)
	marked, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{one}, Flag: []imap.Flag{doneMark}})
	if err != nil {
		return false, broken(Moving, err, "looking for the mark of a mail")
	}
	if slices.Contains(marked, uid) {
		return true, nil
	}
	there, err := s.has(ctx, uid)
	switch {
	case err != nil:
		return false, broken(Moving, err, "looking for a mail that was marked")
	case there:
		return false, problem(Moving, nil, "the server says that it has marked a mail as done with, but the mark is not there")
	}
	return false, nil
}
