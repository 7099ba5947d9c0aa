package imap

import (
	"context"
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// folders finds both folders, and makes those that are not there.
func (s *session) folders(ctx context.Context, m Mailbox) (err error) {
	if s.processed, err = s.folder(ctx, m.Processed); err != nil {
		return err
	}
	s.deadLetter, err = s.folder(ctx, m.DeadLetter)
	return err
}

// folder finds a folder, or makes it.
func (s *session) folder(ctx context.Context, name string) (string, error) {
	found, names, err := s.find(ctx, name)
	if found != "" || err != nil {
		return found, err
	}
	return s.make(ctx, name, names)
}

// find finds a folder; names are those that it may have: on some servers all folders lie under the inbox (RFC 9051 section 5.1.2).
func (s *session) find(ctx context.Context, name string) (found string, names []string, err error) {
	names = []string{name}
	inbox, err := s.listed(ctx, "INBOX")
	if err != nil {
		return "", nil, broken(Opening, err, "listing folders")
	}
	if inbox != nil && inbox.Delim != 0 {
		names = append(names, "INBOX"+string(inbox.Delim)+name)
	}
	for _, name := range names {
		switch found, err := s.listed(ctx, name); {
		case err != nil:
			return "", nil, broken(Opening, err, "listing folders")
		case found != nil:
			return name, names, nil
		}
	}
	return "", names, nil
}

// make makes a folder by one of these names.
func (s *session) make(ctx context.Context, name string, names []string) (string, error) {
	var err error
	for _, name := range names {
		if err = s.create(ctx, name); err == nil {
			return name, nil
		}
		if said := new(imap.Error); !errors.As(err, &said) {
			break
		}
	}
	p := broken(Opening, err, "making the folder "+printable(name))
	p.text += "; make the folder in the mailbox, or give the user the right to"
	return "", p
}

// listed is a folder that mails can be put into; nil where there is none of that name.
func (s *session) listed(ctx context.Context, name string) (found *imap.ListData, err error) {
	err = s.do(ctx, answer, func() error {
		all, err := s.c.List("", name, nil).Collect()
		for _, folder := range all {
			if folder.Mailbox == name && !slices.Contains(folder.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(folder.Attrs, imap.MailboxAttrNonExistent) {
				found = folder
			}
		}
		return err
	})
	return found, err
}

func (s *session) create(ctx context.Context, name string) error {
	err := s.do(ctx, answer, func() error { return s.c.Create(name, nil).Wait() })
	if said := new(imap.Error); errors.As(err, &said) && said.Code == imap.ResponseCodeAlreadyExists {
		return nil
	}
	return err
}
