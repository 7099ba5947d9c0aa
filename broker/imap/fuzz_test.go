package imap_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
)

// stages are the commands of which a fuzzed server answers one with anything.
var stages = []string{"greeting", "CAPABILITY", "AUTHENTICATE", "LIST", "SELECT", "UID SEARCH", "UID FETCH", "UID MOVE", "IDLE", "UID COPY", "UID STORE", "STARTTLS"}

// FuzzAnswers lets a server answer one command with anything. Whatever it is, reading ends when it is told to, no mail is
// made of nothing, and no secret is in what is said about it.
func FuzzAnswers(f *testing.F) {
	for stage, answer := range []string{
		"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n", "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n%t OK\r\n", "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n%t NO correct-horse\r\n",
		"* LIST (\\NoSelect) \"/\" {9}\r\nProcessed\r\n%t OK\r\n", "* OK [UIDVALIDITY 4294967295] x\r\n* OK [PERMANENTFLAGS (\\*)] x\r\n%t OK [READ-ONLY]\r\n",
		"* ESEARCH (TAG \"%t\") UID ALL 1:3,7\r\n%t OK\r\n", "* 1 FETCH (UID 1 BODY[]<0> {3}\r\nabc FLAGS (\\Seen) MODSEQ (9))\r\n* 1 FETCH (UID 1 BODY[] NIL)\r\n%t OK\r\n",
		"* OK [COPYUID 7 1:9 1:9] x\r\n* 1 EXPUNGE\r\n%t OK\r\n", "+ x\r\n* 9 EXISTS\r\n* BYE\r\n", "%t NO [TRYCREATE] x\r\n", "* 1 FETCH (FLAGS (\\Deleted))\r\n%t OK\r\n", "%t OK\r\n\x16\x03\x01",
	} {
		f.Add(byte(stage), []byte(answer), false, false)
		f.Add(byte(stage), []byte(answer), true, false)
		f.Add(byte(stage), []byte(answer), true, true)
	}
	f.Fuzz(func(t *testing.T, stage byte, answer []byte, withoutMove, stays bool) {
		fuzzed(t, stages[int(stage)%len(stages)], string(answer), withoutMove, stays)
	})
}

// writer is called for each line of a log.
type writer func()

func (w writer) Write(p []byte) (int, error) { w(); return len(p), nil }

func fuzzed(t *testing.T, verb, answer string, withoutMove, stays bool) {
	server := newScript(one, two)
	if withoutMove {
		server.caps = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS"
	}
	m := server.mailbox()
	m.Poll = time.Millisecond
	if stays {
		m.LeaveSince = time.Unix(0, 0)
	}
	if verb == "STARTTLS" {
		m.TLS = imap.TLSStart
	}
	if verb == "greeting" {
		server.greeting = answer
		if !strings.HasSuffix(answer, "\n") { // or it waits for us, and we for it
			server.greeting += hangUp
		}
	}
	server.says = instead(verb, "", answer+hangUp) // what comes after it would wait for minutes
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	b := newBooks()
	s, err := imap.New(m, b, slog.New(slog.NewTextHandler(writer(cancel), nil))) // once is enough
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	go func() {
		<-b.came
		if _, err := s.Acknowledge(ctx, "imap:7:1", imap.Processed); err != nil && strings.Contains(err.Error(), "correct-horse") {
			t.Errorf("%v", err)
		}
		cancel()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		stacks := make([]byte, 1<<20)
		t.Fatalf("reading does not end:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
	b.came <- imap.Mail{} // for whoever still waits
	for _, mail := range b.all() {
		if len(mail.Raw) == 0 || !mail.Cut && mail.Size != int64(len(mail.Raw)) {
			t.Errorf("this was spooled: %+v", mail)
		}
	}
	sent := server.count("AUTHENTICATE")+server.count("LOGIN") > 0 // before, the server has the word from the fuzzer alone
	if p := s.State().Problem; p != nil && sent && strings.Contains(p.Error(), "correct-horse") {
		t.Errorf("%v", p)
	}
}
