package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

const atesKey = "ates-Key-0815"

// withMailService has the story's mailbox hand its mails to the PSA's mail service, whose tickets come into queue 8.
func (o *postOffice) withMailService(t *testing.T, box string) *psatest.MailService {
	t.Helper()
	service := o.sim.AddMailService(nil, nil)
	service.Serve(o.sim.Tenants()[0], atesKey, 8)
	o.put(t, "secrets.json", `{"autotask/main": {"username": "api@example.com", "secret": "`+storySecret+`", "integration_code": "CODE"}, "mail/ates": {"pw": "`+atesKey+`"}}`)
	fallback := "\t\t\tfallback ates addticket@ates.example {\n\t\t\t\tafter 1s\n\t\t\t\tsmtp " + service.Addr() + "\n\t\t\t\ttls off\n\t\t\t\tkey secret file mail/ates pw\n\t\t\t}\n"
	o.config(t, box, strings.Replace(box, "\t\t\tsmtp SMTP\n", "\t\t\tsmtp SMTP\n"+fallback, 1))
	return service
}

// mailbox is how the story's mailbox stands.
func (o *postOffice) mailbox(t *testing.T) report.MailboxStatus {
	t.Helper()
	out, _ := o.command(t.Context(), "psa", "status", "--json", "--address", "unix/"+o.path("admin")).Output() // its exit status is about the login
	var s report.Status
	if err := json.Unmarshal(out, &s); err != nil || len(s.Mailboxes) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	return s.Mailboxes[0]
}

// comes waits until something is so.
func (o *postOffice) comes(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(45 * time.Second); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes to this: %s; the log:\n%s", what, o.log(t))
		}
	}
}

// titled are the tickets with a title.
func (o *postOffice) titled(title string) (all []map[string]any) {
	for _, record := range o.sim.Tenants()[0].Records("Tickets") {
		if record["title"] == title {
			all = append(all, record)
		}
	}
	return all
}

// The vendor's bridge leaves such tickets in the wrong queue for ever.
func TestATicketOfTheMailServiceComesIntoTheRightQueueOnceTheLoginIsReleased(t *testing.T) {
	o := newPostOffice(t, lockoutBox)
	service := o.withMailService(t, lockoutBox)
	contact := o.sim.Tenants()[0].Records("Contacts")[0]
	server, tell := o.start(t)
	tell("event started")
	o.send(t, "printer", "support@example.com")
	o.ticket(t, "printer")
	o.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Then: psatest.Answer, Status: 500, Body: `{"errors":["This user account has been locked."]}`})
	o.send(t, "before", "support@example.com") // finds out
	o.comes(t, "the API is down", func() bool { return o.mailbox(t).DownSince != nil })
	was := o.mailbox(t)
	if was.State != report.MailboxWaiting || was.DownWhy != "login-locked" {
		t.Errorf("%+v", was)
	}
	o.asks(t, 0, "", "drop", "support", "2", "--reason", "a test") // else it is handed over as well, in its time
	text, err := os.ReadFile(o.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	o.put(t, "Caddyfile", strings.Replace(string(text), "\t\t\tfallback ates", "\t\t\tdescription another\n\t\t\tfallback ates", 1))
	if out, err := o.reload(t); err != nil { // an outage goes on
		t.Fatalf("%v\n%s", err, out)
	}
	time.Sleep(time.Until(was.DownSince.Add(time.Second + 10*time.Millisecond)))
	o.sendAs(t, fmt.Sprint(contact["emailAddress"]), "disk", "support@example.com")
	o.comes(t, "it is handed to the mail service", func() bool { return len(o.titled("disk")) == 1 })
	if made := o.titled("disk")[0]; fmt.Sprint(made["queueID"]) != "8" || made["externalID"] != nil && made["externalID"] != "" {
		t.Errorf("the mail service's ticket: %v", made)
	}
	o.comes(t, "metrics tell of it", func() bool { return o.metrics(t)[`psagate_mail_messages{mailbox="support",state="ates-sent"}`] == "1" })
	if is := o.mailbox(t); is.Fallback != 1 || is.DownSince == nil || !is.DownSince.Equal(*was.DownSince) {
		t.Errorf("down since %v, and then %+v", was.DownSince, is)
	}
	o.stands(t, "1 with the PSA's mail service", "the PSA's API cannot be used for it since", ": login-locked")
	if out, err := o.command(t.Context(), "psa", "release", "main", "--yes", "--address", "unix/"+o.path("admin")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o.comes(t, "it is put right", func() bool { return fmt.Sprint(o.titled("disk")[0]["queueID"]) == "9" })
	is := o.titled("disk")
	if len(is) != 1 || fmt.Sprint(is[0]["externalID"]) == "" || fmt.Sprint(is[0]["contactID"]) != fmt.Sprint(contact["id"]) || fmt.Sprint(is[0]["companyID"]) != fmt.Sprint(contact["companyID"]) {
		t.Errorf("%v, of the contact %v", is, contact)
	}
	o.comes(t, "metrics tell of it", func() bool { return o.metrics(t)[`psagate_mail_messages{mailbox="support",state="ates-sent"}`] == "0" })
	if shown := o.asks(t, 0, "done", "show", "support", "3"); !strings.Contains(shown, "ates-sent") {
		t.Errorf("its history does not say how it came there:\n%s", shown)
	}
	if m := o.mailbox(t); m.Fallback != 0 || m.DownSince != nil || m.Gap != 0 {
		t.Errorf("%+v", m)
	}
	if n := len(service.Mails()); n != 1 {
		t.Errorf("%d mails were handed over", n)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil || strings.Contains(o.log(t), atesKey) {
		t.Errorf("%v\n%s", err, o.log(t))
	}
}
