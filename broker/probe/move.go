package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/psagate/psagate/broker/imap"
)

const inbox = "INBOX"

// move puts a mail into the inbox and moves it as the broker does.
func (r *run) move(ctx context.Context, folders bool) {
	switch {
	case !r.marks():
		r.skip("not tried: there is no key to mark mails with, so that none becomes a ticket", "move")
	case !folders:
		r.skip("not tried, since a folder is missing", "move")
	default:
		r.step("move", func() (found, error) { return r.moved(ctx) })
	}
}

func (r *run) moved(ctx context.Context) (found, error) {
	m, err := r.mark(ctx, inbox, r.processed)
	if err != nil {
		return found{}, err
	}
	l := r.letter(r.from(), r.from())
	if err := r.trial.Put(ctx, l.raw); err != nil {
		return found{}, err
	}
	place, err := r.seek(ctx, l, m, inbox, r.processed)
	switch {
	case err != nil:
		return found{}, err
	case place == nil:
		return warn("Look for a rule or a filter of the mailbox that takes mails away.", "a mail was put into the inbox, and is not there: something else takes mails out")
	}
	if place.Folder == inbox {
		// Whether it was moved by us, or by a broker that was faster, it has to be in the folder now.
		if _, err := r.trial.Move(ctx, *place, r.processed); err != nil {
			return found{}, errors.Join(err, r.remove(ctx, *place))
		}
	}
	place, err = r.seek(ctx, l, m, r.processed)
	switch {
	case err != nil:
		return found{}, err
	case place == nil:
		return found{}, fmt.Errorf("a mail was moved from the inbox to %s, and is not there", r.processed)
	}
	return r.removed(ctx, l, m, *place, fmt.Sprintf("a mail was put into the inbox, moved to %s, and taken out again", r.processed))
}

func (r *run) remove(ctx context.Context, p imap.Place) error {
	_, err := r.trial.Remove(ctx, p)
	return err
}

// removed takes a probe out, which is what is left to do once it has shown what it should.
func (r *run) removed(ctx context.Context, l letter, m marked, p imap.Place, words string) (found, error) {
	gone, err := r.trial.Remove(ctx, p)
	if gone && err == nil {
		err = r.followed(ctx, l, m)
	}
	switch {
	case err != nil:
		return warn("Delete the mail by hand: its subject is “psagate tests this mailbox”.", "%s, but not for good: %v", words, err)
	case !gone:
		return warn("", "%s; it stays in %s, marked as deleted, since the server cannot expunge a single mail", words, p.Folder)
	}
	return ok("%s", words)
}

// followed takes a probe out that a broker moved, or copied, at the very moment when it was being taken out. It looks into the inbox
// first, as that is where a broker moves mails from: one that had not arrived elsewhere would be missed.
func (r *run) followed(ctx context.Context, l letter, m marked) error {
	folders := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(folders, func(a, b string) int { return cmp.Compare(order(a), order(b)) })
	for _, folder := range folders {
		from := m[folder]
		for range 3 {
			p, err := r.trial.Seek(ctx, folder, from, true, l.is)
			if p == nil && err == nil {
				break
			}
			if err == nil {
				err = r.remove(ctx, *p)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// order is 0 for the inbox, and 1 for the folders that come after it.
func order(folder string) int {
	if folder == inbox {
		return 0
	}
	return 1
}
