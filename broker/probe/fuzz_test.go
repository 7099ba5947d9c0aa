package probe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/probe"
)

// verbs are the commands of which a fuzzed server answers one with anything.
var verbs = []string{"greeting", "CAPABILITY", "AUTHENTICATE", "LIST", "SELECT", "APPEND", "UID", "CREATE"}

// FuzzTest lets a server answer one command with anything. Whatever it is, the test ends when it is told to, every step has
// words on one line, and no secret is in them.
func FuzzTest(f *testing.F) {
	for verb, answer := range []string{
		"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\r\n", "* CAPABILITY IMAP4rev1 MOVE\r\n%t OK\r\n", "%t NO correct-horse\r\n", "* LIST (\\Junk) \"/\" Junk\r\n%t OK\r\n",
		"* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 4294967295] x\r\n* 9 EXISTS\r\n%t OK\r\n", "+ go on\r\n%t OK\r\n", "* SEARCH 1 2 3\r\n* 1 FETCH (UID 1 BODY[HEADER] {2}\r\n\r\n)\r\n%t OK\r\n", "%t NO [NOPERM] x\r\n",
	} {
		f.Add(byte(verb), answer)
	}
	f.Fuzz(func(t *testing.T, verb byte, answer string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		name := verbs[int(verb)%len(verbs)]
		m := script{name: answer + hangUp}.mailbox(t, "127.0.0.1:143")
		steps := probe.Test{Mailbox: m, Keys: keys(t), Aliases: []string{"a@example.test"}, Send: func(context.Context, string, string, []byte) error { return nil }, Wait: time.Millisecond}.Run(ctx)
		if len(steps) != 10 {
			t.Errorf("there are %d steps: %s", len(steps), results(steps))
		}
		for _, s := range steps {
			if s.Words == "" || strings.ContainsAny(s.Words, "\r\n") {
				t.Errorf("%q says %q", s.Name, s.Words)
			}
		}
		if name != "greeting" && name != "CAPABILITY" { // before, the server has the word from the fuzzer alone
			if text := fmt.Sprint(steps); strings.Contains(text, "correct-horse") {
				t.Errorf("the secret is in %s", text)
			}
		}
	})
}
