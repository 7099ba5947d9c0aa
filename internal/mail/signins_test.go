package mail

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/refused"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/pgtest"
	"github.com/psagate/psagate/internal/store"
)

func installationKey(t *testing.T, key, former string) func() (installation.Key, error) {
	t.Helper()
	k, err := installation.FromFields(map[string]string{installation.FieldKey: key, installation.FieldFormer: former})
	if err != nil {
		t.Fatal(err)
	}
	return func() (installation.Key, error) { return k, nil }
}

// signingIn is a psagate as far as it signs in to a mailbox.
type signingIn struct {
	engine *Engine
	store  *store.Store
	end    func() // as on SIGTERM, once
	killed atomic.Bool
}

// Change implements the Store of SignIns. Who was killed writes nothing any more.
func (s *signingIn) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	if s.killed.Load() {
		return context.Canceled
	}
	return s.store.MailSignIns().Change(ctx, place, f)
}

// dying is a connection over which a process signs in, and is killed before there is an answer.
type dying struct {
	net.Conn
	s *signingIn
}

func (d dying) Write(b []byte) (int, error) {
	n, err := d.Conn.Write(b)
	if bytes.Contains(b, []byte("AUTHENTICATE")) {
		d.s.killed.Store(true)
	}
	return n, err
}

// signsIn starts a process. dies has it killed while it signs in.
func signsIn(t *testing.T, cfg store.Config, server *imaptest.Server, password *atomic.Value, dies bool) *signingIn {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &signingIn{store: store.New(log)}
	if err := s.store.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	m := mailbox("support", new(psa), imaptest.User)
	m.IMAP = &imap.Mailbox{
		Server: server.Plain, TLS: imap.TLSOff, User: imaptest.User, Poll: 10 * time.Millisecond,
		Password: func(context.Context) (string, error) { return password.Load().(string), nil },
		Refused:  &refused.Memory{Books: SignIns{s, installationKey(t, strings.Repeat("k", 32), "")}, Wait: 1},
	}
	if dies {
		m.IMAP.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return dying{conn, s}, err
		}
	}
	s.engine = New(ledger.NewMemory(), log, nil)
	s.engine.Use(Config{Mailboxes: []*Mailbox{m}})
	s.end = func() {
		s.engine.Stop()
		if err := s.engine.Wait(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	}
	return s
}

// says waits until the mailbox's problem is one that says this.
func (s *signingIn) says(t *testing.T, words string) {
	t.Helper()
	eventually(t, words, func() bool {
		p := s.engine.States(t.Context())[0].Source.Problem
		return p != nil && strings.Contains(p.Error(), words)
	})
}

// A supervisor's restart loop, a second replica, a process that is killed as it signs in: none locks the mailbox.
func TestARefusedPasswordIsSentOnceOverRestartsAndReplicas(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	for _, kind := range []store.Kind{store.SQLite, store.PostgreSQL} {
		t.Run(string(kind), func(t *testing.T) {
			cfg := func() store.Config {
				return store.Config{Kind: kind, Place: filepath.Join(t.TempDir(), "psagate.db"), TTL: time.Second}
			}()
			if kind == store.PostgreSQL {
				cfg.Place = pgtest.Start(t).Database()
			}
			host := func() store.Config { cfg.Dir = t.TempDir(); return cfg }
			var password atomic.Value
			before := server.SignIns()
			signIns := func(want int) {
				t.Helper()
				eventually(t, "the server has seen the sign-ins", func() bool { return server.SignIns()-before >= want })
				if n := server.SignIns() - before; n != want {
					t.Errorf("%d sign-ins, and not %d", n, want)
				}
			}
			password.Store("wrong-horse-" + string(kind))
			first := signsIn(t, host(), server, &password, false)
			first.says(t, "the server refuses")
			first.end()
			for range 2 { // begun anew
				s := signsIn(t, cfg, server, &password, false)
				s.says(t, "not sent again until it changes")
				s.end()
			}
			signIns(1)
			password.Store("wrong-mule-" + string(kind))
			killed := signsIn(t, cfg, server, &password, true)
			eventually(t, "it is killed", killed.killed.Load)
			signIns(2)
			killed.end()
			for range 2 {
				s := signsIn(t, cfg, server, &password, false)
				s.says(t, "It may have been refused")
				s.end()
			}
			signIns(2)
			// Of two replicas one is told, and the other knows.
			password.Store("wrong-ass-" + string(kind))
			one, other := signsIn(t, cfg, server, &password, false), signsIn(t, host(), server, &password, false)
			one.says(t, "not sent again until it changes")
			other.says(t, "not sent again until it changes")
			signIns(3)
			password.Store(imaptest.Password)
			for _, s := range []*signingIn{one, other} {
				eventually(t, "it is read", func() bool { return !s.engine.States(t.Context())[0].Source.Connected.IsZero() })
			}
			signIns(5)
			one.end()
			other.end()
			if kind == store.SQLite {
				nothingOf(t, cfg.Place, "wrong-horse", "wrong-mule", imaptest.Password)
			}
		})
	}
}

// nothingOf demands that no file of the store has a secret in it.
func nothingOf(t *testing.T, place string, secrets ...string) {
	t.Helper()
	files, err := filepath.Glob(place + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s has %s in it", name, secret)
			}
		}
	}
}

// Where the installation's key was replaced what was refused before is known by the former one.
func TestWhatWasRefusedIsKnownUnderTheKeyThatCameAfter(t *testing.T) {
	old, now := strings.Repeat("o", 32), strings.Repeat("n", 32)
	first, err := SignIns{nil, installationKey(t, old, "")}.Prints("imap", "horse")
	if err != nil || len(first) != 1 {
		t.Fatalf("%q, %v", first, err)
	}
	then, err := SignIns{nil, installationKey(t, now, old)}.Prints("imap", "horse")
	if err != nil || len(then) != 2 || !slices.Contains(then, first[0]) || then[0] == first[0] {
		t.Errorf("%q, and with the new key %q, %v", first, then, err)
	}
	elsewhere, _ := SignIns{nil, installationKey(t, old, "")}.Prints("smtp", "horse")
	if slices.Equal(elsewhere, first) {
		t.Error("one print at two places")
	}
}
