//go:build unix

package imaptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func (s *Server) maildir(folder string) string { return s.maildirOf(User, folder) }

func (s *Server) maildirOf(user, folder string) string {
	if folder == "INBOX" {
		return filepath.Join(s.dir, "mail", user, "Maildir")
	}
	return filepath.Join(s.dir, "mail", user, "Maildir", "."+folder)
}

// Deliver puts a mail into the inbox, as an MTA does: whole, at once.
func (s *Server) Deliver(raw []byte) {
	s.t.Helper()
	s.DeliverAt(raw, time.Now())
}

// DeliverAt is Deliver for a mail of which the server says that it came at a time (INTERNALDATE).
func (s *Server) DeliverAt(raw []byte, at time.Time) {
	s.t.Helper()
	s.deliver(User, raw, at)
}

// DeliverTo is Deliver for one of Options.Users.
func (s *Server) DeliverTo(user string, raw []byte) {
	s.t.Helper()
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(s.maildirOf(user, "INBOX"), sub), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	s.own()
	s.deliver(user, raw, time.Now())
}

func (s *Server) deliver(user string, raw []byte, at time.Time) {
	s.t.Helper()
	inbox := s.maildirOf(user, "INBOX")
	name := fmt.Sprintf("%d.%d.test", time.Now().UnixNano(), s.mails.Add(1))
	tmp, final := filepath.Join(inbox, "tmp", name), filepath.Join(inbox, "new", name)
	uid, gid := s.ids()
	for _, err := range []error{os.WriteFile(tmp, raw, 0o600), os.Chown(tmp, uid, gid), os.Chtimes(tmp, at, at), os.Rename(tmp, final)} {
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// Mail is one as it lies on the server.
type Mail struct {
	Raw string
	// Flags are the maildir's: S for seen, T for deleted.
	Flags string
	// Keywords are the flags of which the server knows nothing but the names.
	Keywords []string
}

// Folder is what is in one.
func (s *Server) Folder(name string) (mails []Mail) {
	s.t.Helper()
	for _, sub := range []string{"cur", "new"} {
		files, _ := filepath.Glob(filepath.Join(s.maildir(name), sub, "*"))
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if os.IsNotExist(err) {
				continue // it was moved meanwhile
			} else if err != nil {
				s.t.Fatal(err)
			}
			_, flags, _ := strings.Cut(filepath.Base(file), ":2,")
			mails = append(mails, Mail{string(raw), flags, s.keywords(name, flags)})
		}
	}
	return mails
}

// Has tells whether a folder is there.
func (s *Server) Has(folder string) bool {
	_, err := os.Stat(s.maildir(folder))
	return err == nil
}

// keywords are the names of the flags in small letters, which a maildir has in a file of their own.
func (s *Server) keywords(folder, flags string) (names []string) {
	s.t.Helper()
	list, err := os.ReadFile(filepath.Join(s.maildir(folder), "dovecot-keywords"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		var number rune
		var name string
		if n, _ := fmt.Sscan(line, &number, &name); n == 2 && strings.ContainsRune(flags, 'a'+number) {
			names = append(names, name)
		}
	}
	return names
}

// BeginAnew takes the numbers from the inbox: the next who opens it finds another UIDVALIDITY.
func (s *Server) BeginAnew() {
	s.t.Helper()
	for _, pattern := range []string{"dovecot-uidlist", "dovecot.index*"} {
		files, _ := filepath.Glob(filepath.Join(s.maildir("INBOX"), pattern))
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}
