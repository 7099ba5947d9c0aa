package imap_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/broker/imap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// books keep mails in memory, and say when one has come.
type books struct {
	mu    sync.Mutex
	mails []imap.Mail
	full  func(imap.Mail) error
	begun map[uint32]uint32
	shut  error // of Begun
	came  chan imap.Mail
}

func newBooks() *books { return &books{came: make(chan imap.Mail, 1000)} }

func (b *books) Missing(_ context.Context, objects []string) (missing []string, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, object := range objects {
		if !slices.ContainsFunc(b.mails, func(m imap.Mail) bool { return m.Object == object }) {
			missing = append(missing, object)
		}
	}
	return missing, nil
}

func (b *books) Begun(_ context.Context, validity, next uint32) (uint32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.begun == nil {
		b.begun = map[uint32]uint32{}
	}
	if _, is := b.begun[validity]; !is {
		b.begun[validity] = next
	}
	return b.begun[validity], b.shut
}

func (b *books) Spool(_ context.Context, mail imap.Mail) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full != nil {
		if err := b.full(mail); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(b.mails, func(m imap.Mail) bool { return m.Object == mail.Object }) {
		return errors.New("the same mail was handed over twice")
	}
	b.mails = append(b.mails, mail)
	b.came <- mail
	return nil
}

func (b *books) all() []imap.Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails)
}

const patience = time.Minute

// next is the next mail that is spooled.
func (b *books) next(t *testing.T) imap.Mail {
	t.Helper()
	select {
	case mail := <-b.came:
		return mail
	case <-time.After(patience):
		t.Fatal("no mail comes")
		return imap.Mail{}
	}
}

// run runs a source until the test ends, or the function that it returns is called.
func run(t *testing.T, mailbox imap.Mailbox, b imap.Books) (*imap.Source, func()) {
	t.Helper()
	s, err := imap.New(mailbox, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

// until waits for something.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes to this: %s", what)
		}
	}
}

func says(secret string) imap.Secret {
	return func(context.Context) (string, error) { return secret, nil }
}
