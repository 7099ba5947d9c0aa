package caddymodule

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/report"
)

// mailTested has two mailboxes whose tests are not run: support works, and broken does not. asked is what was asked for last.
func mailTested(t *testing.T) (asked *probe.Test) {
	t.Helper()
	asked = new(probe.Test)
	hasMailboxes(t, map[string]*mail.Mailbox{
		"support": {IMAP: &imap.Mailbox{User: "works"}, Route: route.Mailbox{Aliases: []route.Alias{{Address: "support@example.com"}}}}, "broken": {IMAP: &imap.Mailbox{User: "broken"}},
	})
	run := runMailTest
	runMailTest = func(_ context.Context, test probe.Test) (steps []probe.Step) {
		*asked = test
		steps = []probe.Step{{Name: "name", Result: probe.OK, Words: "mail.example.com is at 192.0.2.1", Took: 2 * time.Millisecond}}
		if test.Mailbox.User == "broken" {
			steps = append(steps, probe.Step{Name: "connection", Result: probe.Failed, Words: "mail.example.com:993 cannot be reached", Do: "Start it.", Took: 1500 * time.Millisecond}, probe.Step{Name: "tls", Result: probe.Skipped, Words: "not tried, since “connection” failed"})
		}
		for _, s := range steps {
			test.Told(s)
		}
		return steps
	}
	t.Cleanup(func() { runMailTest = run })
	return asked
}

// hasMailboxes has the config in force have these.
func hasMailboxes(t *testing.T, boxes map[string]*mail.Mailbox) {
	t.Helper()
	before := mailboxInForce
	mailboxInForce = func(_ *App, name string) (*Mailbox, *mail.Mailbox) {
		if boxes[name] == nil {
			return nil, nil
		}
		return new(Mailbox), boxes[name]
	}
	t.Cleanup(func() { mailboxInForce = before })
}

func TestMailTestPrintsItsGoldenFiles(t *testing.T) {
	for name, args := range map[string]string{
		"mail-test":         "mail test support",
		"mail-test-json":    "mail test support --json",
		"mail-test-broken":  "mail test broken --send --again",
		"mail-test-unknown": "mail test other",
		"mail-test-nothing": "mail test",
	} {
		t.Run(name, func(t *testing.T) {
			asked, address := mailTested(t), running(t, new(fake))
			var got result
			noted := audited(t, func() { got = run(t, append(strings.Fields(args), "--address", address)...) })
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", args, got.out, got.err, got.status)
			golden(t, "testdata/command/"+name+".golden", strings.ReplaceAll(text, address, "<address>"))
			if asked.Told == nil {
				if len(noted) != 0 {
					t.Errorf("nothing was tested, and noted is %+v", noted)
				}
				return
			}
			if asked.Again != strings.Contains(args, "--again") {
				t.Errorf("%+v", asked)
			}
			if len(noted) != 1 || noted[0].Event != eventMailTested || noted[0].CallerKind != audit.Operator || noted[0].Data["ok"] != fmt.Sprint(got.status == exitYes) || noted[0].Data["send"] != fmt.Sprint(strings.Contains(args, "--send")) {
				t.Errorf("%+v", noted)
			}
		})
	}
}

func TestAMailboxIsTestedByOneAtATime(t *testing.T) {
	mailTested(t)
	server := admin{running(t, new(fake))}
	begun, end := make(chan bool), make(chan bool)
	runMailTest = func(context.Context, probe.Test) []probe.Step { close(begun); <-end; return nil }
	first := make(chan error, 1)
	go func() {
		_, err := server.mailTest("support", mailTestAsked{}, func(report.MailTestStep) {})
		first <- err
	}()
	<-begun
	if _, err := server.mailTest("support", mailTestAsked{}, nil); err == nil || !strings.Contains(err.Error(), "being tested") {
		t.Errorf("the second hears %v", err)
	}
	close(end)
	if err := <-first; err != nil {
		t.Error(err)
	}
	runMailTest = func(context.Context, probe.Test) []probe.Step { return nil }
	if done, err := server.mailTest("support", mailTestAsked{}, func(report.MailTestStep) {}); err != nil || done.OK || !strings.Contains(done.Steps[0].Words, "neither `imap` nor `smtp`") {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestATestThatIsAskedForWrongly(t *testing.T) {
	asked := mailTested(t)
	address := running(t, new(fake))
	for _, body := range []string{`{"send": "yes"}`, `{"sent": true}`, `true`} {
		answer, err := http.Post("http://"+address+"/psa/mail/support/test", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || asked.Told != nil {
			t.Errorf("%s: status %d", body, answer.StatusCode)
		}
	}
}

func TestAnswersOfATestThatBreakOff(t *testing.T) {
	for _, text := range []string{"", `{"step": {"name": "x"}}`, `{"step": `} {
		if _, err := readLines(strings.NewReader(text), func(l report.MailTestLine) bool { return l.Done != nil }); err == nil {
			t.Errorf("%q is taken for the whole", text)
		}
	}
	if _, err := readLines(io.LimitReader(strings.NewReader(`{"done": {"ok": true}}`), 100), func(l report.MailTestLine) bool { return l.Done != nil }); err != nil {
		t.Error(err)
	}
}

// handed is a way to the PSA's mail service that writes down how it is asked for mails.
type handed struct{ how []string }

func (*handed) HandOver(context.Context, drive.Ticket, bool) error { return nil }

func (h *handed) Send(context.Context, string, string, []byte) error {
	h.how = append(h.how, "send")
	return nil
}

func (h *handed) SendAgain(context.Context, string, string, []byte) error {
	h.how = append(h.how, "again")
	return nil
}

// --again has what the server refused sent once, however many aliases there are.
func TestWhatWasRefusedIsSentOnceForAllAliases(t *testing.T) {
	for again, want := range map[bool]string{false: "send send send", true: "again send send"} {
		out := new(handed)
		test := mailTest(&Mailbox{Fallback: &MailFallback{From: "support@example.com"}}, &mail.Mailbox{Fallback: out}, mailTestAsked{Send: true, Again: again})
		for range 3 {
			if err := test.Send(t.Context(), "", "", nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(out.how, " "); got != want {
			t.Errorf("again %v: %s", again, got)
		}
	}
}

// Try implements tryingOut.
func (h *handed) Try(context.Context) error {
	h.how = append(h.how, "try")
	return nil
}

// TryAgain implements tryingOut.
func (h *handed) TryAgain(context.Context) error {
	h.how = append(h.how, "try again")
	return nil
}

// Where no mail of a test comes to be sent, as the mailbox does not work, --again is for the fallback's server all the same.
func TestAgainIsForTheFallbackWhereNoMailIsSent(t *testing.T) {
	mailTested(t)
	works := runMailTest
	for user, want := range map[string]string{"broken": "try again", "works": "again try"} {
		out := new(handed)
		hasMailboxes(t, map[string]*mail.Mailbox{"support": {IMAP: &imap.Mailbox{User: user}, Fallback: out}})
		runMailTest = func(ctx context.Context, test probe.Test) []probe.Step {
			if user == "works" {
				_ = test.Send(ctx, "", "", nil)
			}
			return works(ctx, test)
		}
		run(t, "mail", "test", "support", "--send", "--again", "--address", running(t, new(fake)))
		if got := strings.Join(out.how, " "); got != want {
			t.Errorf("%s: %s, want %s", user, got, want)
		}
	}
}
