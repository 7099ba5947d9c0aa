package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asks runs a command until its output has a text: what it asks for is done by others, in their time.
func (o *postOffice) asks(t *testing.T, status int, want string, args ...string) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := o.command(t.Context(), append(append([]string{"psa", "mail"}, args...), "--config", o.path("Caddyfile"), "--adapter", "caddyfile")...).Output()
		got := 0
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			got = failed.ExitCode()
		}
		if got == status && strings.Contains(string(out), want) {
			return string(out)
		}
		if time.Now().After(end) {
			t.Fatalf("mail %q: status %d, %v\n%s", args, got, err, out)
		}
	}
}

func TestAMailThatIsSetAsideIsTriedAnewAndThenTriedAgain(t *testing.T) {
	const aside = "\t\tmail support {\n\t\t\tsmtp SMTP\n\t\t\talias support@example.com {\n\t\t\t\tqueue \"Level I\"\n\t\t\t}\n\t\t\ttreat human suspend\n\t\t}\n"
	o := newPostOffice(t, aside)
	_, tell := o.start(t)
	tell("event started")
	were := len(o.sim.Tenants()[0].Records("Tickets"))
	o.send(t, "printer", "support@example.com")
	o.send(t, "spam", "support@example.com")
	o.asks(t, 0, "mail 2: suspended, human", "list", "support", "--state", "suspended")
	shown := o.asks(t, 0, "ada@customer.test", "show", "support", "1")
	if !strings.Contains(shown, "printer") || !strings.Contains(shown, "it came by the alias support@example.com") || strings.Contains(shown, "does not print") {
		t.Errorf("%s", shown)
	}
	o.asks(t, 0, "of 2 mails", "dryrun", "support")
	o.config(t, aside, supportBox)
	if out, err := o.reload(t); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if tried := o.asks(t, 1, "2 would become something else", "dryrun", "support"); !strings.Contains(tried, "it became suspended, human, and would become ticket") {
		t.Errorf("%s", tried)
	}
	if n := len(o.sim.Tenants()[0].Records("Tickets")) - were; n != 0 {
		t.Errorf("a dry run made %d tickets", n)
	}
	o.asks(t, 0, "was suspended, and is suppressed, dropped", "drop", "support", "2", "--reason", "spam")
	o.asks(t, 0, "was suspended, and is", "retry", "support", "1", "--reason", "wanted")
	if ticket := o.ticket(t, "printer"); fmt.Sprint(ticket["queueID"]) != "8" {
		t.Errorf("%v", ticket)
	}
	o.asks(t, 0, "2 seen = 1 ticket + 0 notes + 0 suspended + 0 dead + 1 suppressed + 0 pending", "list")
	if log, err := os.ReadFile(o.path("caddy.log")); err != nil || strings.Contains(string(log), "does not print") {
		t.Errorf("the log has what a mail says, or is not there: %v", err)
	}
}
