//go:build unix

package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/report"
)

// tests runs psagate mail test for the mailbox of the story, and returns its steps by their names.
func (o *postOffice) tests(t *testing.T, flags ...string) (report.MailTest, map[string]report.MailTestStep) {
	t.Helper()
	cmd := o.command(t.Context(), append([]string{"psa", "mail", "test", "support", "--json", "--address", "unix/" + o.path("admin")}, flags...)...)
	var failed *exec.ExitError
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var done report.MailTest
	if bad := json.Unmarshal(out, &done); bad != nil || done.OK == (err != nil) {
		t.Fatalf("%v, %v\n%s%s\n%s", bad, err, out, complaints.String(), o.log(t))
	}
	steps := map[string]report.MailTestStep{}
	for _, s := range done.Steps {
		steps[s.Name] = s
	}
	return done, steps
}

// A new user writes the block, and does what the test says until it says no more.
func TestANewMailboxIsSetUpByItsTestAlone(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	secrets := func(o *postOffice, password string) {
		o.put(t, "secrets.json", `{"autotask/main": {"username": "api@example.com", "secret": "`+storySecret+`", "integration_code": "CODE"}, "mail/support": {"password": "`+password+`"}}`)
	}
	box := strings.Replace(supportBox, "\t\t\tsmtp SMTP\n", "\t\t\tsmtp SMTP\n\t\t\timap "+server.Plain+" {\n\t\t\t\tlogin "+imaptest.User+" secret file mail/support password\n\t\t\t\ttls off\n\t\t\t\tpoll 1s\n\t\t\t}\n", 1)
	o := newPostOffice(t, box)
	secrets(o, "wrong-horse")
	caddy, tell := o.start(t)
	tell("event started")
	wait := func(what string, so func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it never comes to this: %s; the log:\n%s", what, o.log(t))
			}
		}
	}
	wait("the password is refused", func() bool { return strings.Contains(o.log(t), "not sent again until it changes") })
	wait("the server has written that down", func() bool { return server.SignIns() > 0 })
	// The running mailbox was refused already: its test sends nothing.
	if _, steps := o.tests(t); steps["connection"].Result != "ok" || steps["sign-in"].Result != "failed" || !strings.Contains(steps["sign-in"].Words, "not sent again until it changes") || !strings.Contains(steps["sign-in"].Do, "an app password may be needed)? Put the right one into the store.") || server.SignIns() != 1 {
		t.Errorf("%d sign-ins, %+v", server.SignIns(), steps["sign-in"])
	}
	// So is one that begins anew: the store knows it.
	if err := caddy.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = caddy.Wait()
	caddy, tell = o.start(t)
	tell("event started")
	wait("the password was refused before", func() bool { return strings.Contains(o.log(t), "has refused the password") })
	if _, steps := o.tests(t); !strings.Contains(steps["sign-in"].Do, "--again") || !strings.Contains(steps["sign-in"].Words, "The server said “NO [AUTHENTICATIONFAILED]") || server.SignIns() != 1 {
		t.Errorf("%d sign-ins, %+v", server.SignIns(), steps["sign-in"])
	}
	secrets(o, imaptest.Password)
	if done, steps := o.tests(t); !done.OK || steps["sign-in"].Result != "ok" { // at once: whoever put it there wants to know
		t.Fatalf("%+v", done)
	}
	wait("the mailbox is read", func() bool { return server.SignIns() >= 3 })
	done, steps := o.tests(t, "--send")
	for _, s := range done.Steps {
		switch {
		case s.Name == "intake tls" || s.Name == "alias support@example.com":
			if s.Result != "skipped" {
				t.Errorf("%+v", s)
			}
		case s.Result != "ok":
			t.Errorf("%+v", s)
		}
	}
	if !strings.Contains(steps["alias support@example.com"].Words, "no `fallback`") {
		t.Errorf("%+v", steps["alias support@example.com"])
	}
	if !done.OK || steps["move"].Words == "" || steps["intake mail"].Words == "" {
		t.Errorf("%+v", done)
	}
	// What the test has put and sent is none of the PSA's business, and a customer's mail is.
	o.send(t, "printer", "support@example.com")
	o.ticket(t, "printer")
	for _, record := range o.sim.Tenants()[0].Records("Tickets") {
		if strings.Contains(record["title"].(string), "psagate") {
			t.Errorf("a test became a ticket: %v", record)
		}
	}
	for _, folder := range []string{"INBOX", "Processed", "DeadLetter"} {
		if mails := server.Folder(folder); len(mails) != 0 {
			t.Errorf("%s has %d mails", folder, len(mails))
		}
	}
	stopped(t, o, caddy)
}

// stopped ends the server in order.
func stopped(t *testing.T, o *postOffice, caddy *exec.Cmd) {
	t.Helper()
	if err := caddy.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Wait(); err != nil {
		t.Errorf("%v\n%s", err, o.log(t))
	}
}
