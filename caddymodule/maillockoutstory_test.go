package caddymodule

import (
	"fmt"
	netsmtp "net/smtp"
	"os"
	"strings"
	"testing"
	"time"
)

// lockoutBox is a mailbox to which the PSA's notices about locked users come.
const lockoutBox = "\t\tmail support {\n\t\t\tsmtp SMTP\n\t\t\talias support@example.com {\n\t\t\t\tqueue NOC\n\t\t\t}\n\t\t\talias lockouts@example.com {\n\t\t\t\tlockout_notice {\n\t\t\t\t\tours 192.0.2.0/24\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"

// lockedOut sends the PSA's notice that the login's user is locked, as of a time.
func (o *postOffice) lockedOut(t *testing.T, at time.Time, from string) {
	t.Helper()
	mail := fmt.Sprintf("From: Autotask <noreply@ww5.autotask.net>\r\nTo: lockouts@example.com\r\nDate: %s\r\nSubject: A user was locked\r\n\r\nThe user api@example.com was locked after 7 failed sign-ins from %s.\r\n", at.Format(time.RFC1123Z), from)
	if err := netsmtp.SendMail(o.smtp, nil, "noreply@ww5.autotask.net", []string{"lockouts@example.com"}, []byte(mail)); err != nil {
		t.Fatal(err)
	}
}

// stands demands that status says all of these.
func (o *postOffice) stands(t *testing.T, want ...string) {
	t.Helper()
	out, _ := o.command(t.Context(), "psa", "status", "--address", "unix/"+o.path("admin")).CombinedOutput() // its exit status says that a login is locked
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, of := range want {
		if !strings.Contains(text, of) {
			t.Errorf("status lacks %q:\n%s", of, out)
		}
	}
}

// The vendor's own mail is heard: nothing signs in as the user that it names until somebody has released it.
func TestALockoutMailLocksTheLoginUntilItIsReleased(t *testing.T) {
	o := newPostOffice(t, lockoutBox)
	server, tell := o.start(t)
	tell("event started")
	o.send(t, "printer", "support@example.com") // by which the user's name is known
	o.ticket(t, "printer")
	o.isTold(t)
	// A mail's Date has whole seconds, and one of before the last sign-in tells of what is over.
	at := time.Now().Add(time.Second).Truncate(time.Second)
	for time.Now().Before(at) {
		time.Sleep(10 * time.Millisecond)
	}
	signIns := len(o.sim.Ledger().Since(0))
	o.lockedOut(t, at, "192.0.2.7")
	tell("event psa_lockout_notice of psa done=locked login=main mailbox=support notice=ours")
	o.stands(t, "login main: LOCKED", "the wrong sign-ins came from 192.0.2.7, which is ours: this gateway")
	if status, body, header := o.call(t, "itglue", o.key.Reveal(), "GET", v1+"/Tickets/1"); status != 503 || header.Get("Psagate-Reason") != "login-locked" {
		t.Errorf("%d %s %v", status, body, header)
	}
	if n := len(o.sim.Ledger().Since(0)); n != signIns {
		t.Errorf("the PSA saw %d sign-ins of a locked user", n-signIns)
	}
	if out, err := o.command(t.Context(), "psa", "release", "main", "--yes", "--address", "unix/"+o.path("admin")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o.lockedOut(t, at, "192.0.2.7") // it comes once more
	tell("event psa_lockout_notice of psa done=stale login=main mailbox=support notice=ours")
	o.send(t, "disk", "support@example.com")
	o.ticket(t, "disk")
	o.stands(t, "login main: serving")
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("%v\n%s", err, o.log(t))
	}
}
