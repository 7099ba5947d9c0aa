package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// facts are what the server says about a mail before it is fetched. The size is a hint: Exchange's is not exact.
type facts struct {
	there   bool
	size    int64
	arrived time.Time
}

// expunged tells whether the server says that the mail has gone meanwhile (RFC 5530 section 3).
func expunged(err error) bool {
	said := new(imap.Error)
	return errors.As(err, &said) && said.Type == imap.StatusResponseTypeNo && said.Code == "EXPUNGEISSUED"
}

// facts asks for them.
func (s *session) facts(ctx context.Context, uid imap.UID) (found facts, err error) {
	err = s.fetchOne(ctx, answer, uid, &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}, func(item imapclient.FetchItemData) error {
		switch item := item.(type) {
		case imapclient.FetchItemDataRFC822Size:
			found.size, found.there = item.Size, true
		case imapclient.FetchItemDataInternalDate:
			found.arrived = item.Time
		}
		return nil
	})
	return found, err
}

// fetch brings a mail. It is false where the mail has gone: servers answer OK then, without a body or with NIL for it. (Also
// where the server answers with something else about the mail first, which is rare: it is there the next time.)
func (s *session) fetch(ctx context.Context, uid imap.UID, most int64) (Mail, bool, error) {
	known, err := s.facts(ctx, uid)
	if err != nil || !known.there {
		return Mail{}, false, s.fetchFailed(err)
	}
	section := &imap.FetchItemBodySection{Peek: true}
	if known.size > most {
		section.Partial = &imap.SectionPartial{Size: head}
	}
	mail := Mail{Object: object(s.validity, uid), Arrived: known.arrived}
	there := false
	patience := answer + time.Duration(min(known.size, most)/slowest)*time.Second
	err = s.fetchOne(ctx, patience, uid, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}, func(item imapclient.FetchItemData) error {
		body, is := item.(imapclient.FetchItemDataBodySection)
		if !is || body.Literal == nil || !body.MatchCommand(section) || there {
			return nil
		}
		raw, whole, err := s.read(body.Literal, most)
		mail.Raw, mail.Size = raw, whole
		mail.Cut = whole > int64(len(raw)) || section.Partial != nil && whole >= head
		there = err == nil && whole > 0
		return err
	})
	if err != nil {
		return Mail{}, false, s.fetchFailed(err)
	}
	if mail.Cut {
		mail.Size = max(mail.Size, known.size)
	}
	return mail, there, nil
}

func (s *session) fetchFailed(err error) error {
	if err == nil || expunged(err) {
		return nil
	}
	return broken(Fetching, err, "fetching a mail")
}

// read reads a body: all of it, or the first bytes of one that is too long.
func (s *session) read(body imap.LiteralReader, most int64) (raw []byte, whole int64, err error) {
	whole = body.Size()
	keep := whole
	if whole > most {
		keep = min(head, most)
	}
	from := credited{body, s.meter}
	raw = make([]byte, keep)
	if _, err := io.ReadFull(from, raw); err != nil {
		return nil, 0, fmt.Errorf("the mail ends in its middle: %w", err)
	}
	if _, err := io.Copy(io.Discard, from); err != nil {
		return nil, 0, fmt.Errorf("the mail ends in its middle: %w", err)
	}
	return raw, whole, nil
}

// fetchOne asks about one mail, and calls for each thing that the server says about it. All is read whatever happens: else
// the library's reader waits for ever.
func (s *session) fetchOne(ctx context.Context, most time.Duration, uid imap.UID, options *imap.FetchOptions, each func(imapclient.FetchItemData) error) error {
	return s.do(ctx, most, func() error {
		cmd := s.c.Fetch(imap.UIDSetNum(uid), options)
		var failed error
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			for item := m.Next(); item != nil; item = m.Next() {
				if failed == nil {
					failed = each(item)
				}
			}
		}
		return errors.Join(failed, cmd.Close())
	})
}
