package caddymodule

import (
	"encoding/json"
	"fmt"
	"net"
	netsmtp "net/smtp"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/psatest"
)

// postOffice is a story with a mailbox whose mails come in by SMTP.
type postOffice struct {
	*story
	smtp string
}

func newPostOffice(t *testing.T, mailbox string) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &postOffice{newStory(t), l.Addr().String()}
	_ = l.Close()
	o.sim.Tenants()[0].SetPicklist("Tickets", "queueID", psatest.Pick{Value: 8, Label: "Level I"}, psatest.Pick{Value: 9, Label: "NOC"})
	o.config(t, "", mailbox)
	return o
}

// config puts a mail block into the Caddyfile, in the place of the one that is there.
func (o *postOffice) config(t *testing.T, was, is string) {
	t.Helper()
	text, err := os.ReadFile(o.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	mark := "\t\tintegration itglue {\n"
	is = strings.ReplaceAll(is, "SMTP", o.smtp)
	o.put(t, "Caddyfile", strings.Replace(string(text), strings.ReplaceAll(was, "SMTP", o.smtp)+mark, is+mark, 1))
}

func (o *postOffice) send(t *testing.T, subject string, to ...string) {
	t.Helper()
	o.sendAs(t, "ada@customer.test", subject, to...)
}

func (o *postOffice) sendAs(t *testing.T, from, subject string, to ...string) {
	t.Helper()
	mail := fmt.Sprintf("From: Ada <%s>\r\nTo: %s\r\nMessage-ID: <%s@customer.test>\r\nSubject: %s\r\n\r\nIt does not print.\r\n", from, strings.Join(to, ", "), subject, subject)
	if err := netsmtp.SendMail(o.smtp, nil, from, to, []byte(mail)); err != nil {
		t.Fatal(err)
	}
}

// ticket waits for the one with a title.
func (o *postOffice) ticket(t *testing.T, title string) map[string]any {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, record := range o.sim.Tenants()[0].Records("Tickets") {
			if record["title"] == title {
				return record
			}
		}
	}
	t.Fatalf("no ticket %q comes; the log:\n%s", title, o.log(t))
	return nil
}

func (o *postOffice) log(t *testing.T) string {
	t.Helper()
	log, err := os.ReadFile(o.path("caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// isTold waits until metrics and status tell of one mail that has become a ticket.
func (o *postOffice) isTold(t *testing.T) {
	t.Helper()
	want := map[string]string{
		`mail_messages{mailbox="support",state="done"}`: "1", `mail_messages{mailbox="support",state="spooled"}`: "0", `mail_gap{mailbox="support"}`: "0",
		`mail_failing{mailbox="support"}`: "0", `mail_oldest_seconds{mailbox="support"}`: "0", `mail_seconds_count{mailbox="support"}`: "1",
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		all, told := o.metrics(t), true
		for name, value := range want {
			told = told && all["psagate_"+name] == value
		}
		if told || time.Now().After(end) {
			has(t, all, want)
			break
		}
	}
	out, err := o.command(t.Context(), "psa", "status", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").Output()
	if err != nil || !strings.Contains(string(out), "mailbox support: working") || !strings.Contains(string(out), "1 came, 0 pending, 0 suspended, 0 dead") {
		t.Errorf("%v\n%s", err, out)
	}
}

// reload loads the Caddyfile as it is now.
func (o *postOffice) reload(t *testing.T) (string, error) {
	t.Helper()
	out, err := o.command(t.Context(), "reload", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").CombinedOutput()
	return string(out), err
}

const supportBox = "\t\tmail support {\n\t\t\tsmtp SMTP\n\t\t\talias support@example.com {\n\t\t\t\tqueue \"Level I\"\n\t\t\t}\n\t\t\trule aside {\n\t\t\t\twhen `subject == 'aside'`\n\t\t\t\ttreat suspend\n\t\t\t}\n\t\t}\n"

func TestAMailBecomesATicketAndItsMailboxCannotBeTakenOutBeforeItIsDone(t *testing.T) {
	o := newPostOffice(t, supportBox)
	server, tell := o.start(t)
	tell("event started")
	o.send(t, "printer", "support@example.com")
	if ticket := o.ticket(t, "printer"); fmt.Sprint(ticket["queueID"]) != "8" || !strings.Contains(fmt.Sprint(ticket["description"]), "It does not print.") || fmt.Sprint(ticket["externalID"]) == "" {
		t.Errorf("%v", ticket)
	}
	o.isTold(t)
	o.config(t, supportBox, "")
	if out, err := o.reload(t); err == nil || !strings.Contains(out, "mailbox support cannot be taken out of the config: it has 1 alias, mails to which nobody would take any more (support@example.com)") || !strings.Contains(out, "Leave `mail support` in the config") || !strings.Contains(out, "mail drop") {
		t.Errorf("it was taken out: %v\n%s", err, out)
	}
	o.send(t, "disk", "support@example.com") // all is as it was
	o.ticket(t, "disk")
	o.send(t, "aside", "support@example.com")
	tell("event psa_mail_set_aside of psa done=suspended mailbox=support")
	empty := "\t\tmail support\n"
	o.config(t, "", empty)
	if out, err := o.reload(t); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o.config(t, empty, "")
	if out, err := o.reload(t); err == nil || !strings.Contains(out, "it has 1 mail that is not done with (1 suspended)") {
		t.Errorf("it was taken out: %v\n%s", err, out)
	}
	if out, err := o.command(t.Context(), "psa", "mail", "drop", "support", "3", "--reason", "a test", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := o.reload(t)
		if err == nil {
			break
		}
		if time.Now().After(end) || !strings.Contains(out, "not done with") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("%v\n%s", err, o.log(t))
	}
}

// downSince waits until the PSA's API cannot be used for the mailbox, which has an alias by then, and returns since when.
func (o *postOffice) downSince(t *testing.T, alias string) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		out, _ := o.command(t.Context(), "psa", "status", "--json", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").Output()
		var status struct {
			Mailboxes []struct {
				Aliases   []string
				DownSince string `json:"down_since"`
			}
		}
		if json.Unmarshal(out, &status) == nil && len(status.Mailboxes) == 1 && slices.Contains(status.Mailboxes[0].Aliases, alias) && status.Mailboxes[0].DownSince != "" {
			return status.Mailboxes[0].DownSince
		}
	}
	t.Fatalf("the PSA can be used:\n%s", o.log(t))
	return ""
}

// The fallback waits until the API has been down for long: were that forgotten, it would never be used where configs are loaded often.
func TestAReloadDoesNotMakeAnOutageYounger(t *testing.T) {
	o := newPostOffice(t, supportBox)
	_, tell := o.start(t)
	tell("event started")
	o.send(t, "before", "support@example.com")
	o.ticket(t, "before")
	o.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Only: psatest.SignInCall})
	o.send(t, "first", "support@example.com")
	since := o.downSince(t, "support@example.com")
	if out, err := o.command(t.Context(), "psa", "mail", "list", "support", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").CombinedOutput(); err != nil || !strings.Contains(string(out), "! the PSA's API cannot be used (") {
		t.Errorf("who looks at the mails is not told why they wait: %v\n%s", err, out)
	}
	o.config(t, supportBox, strings.Replace(supportBox, "alias support@", "alias help@", 1))
	if out, err := o.reload(t); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if again := o.downSince(t, "help@example.com"); again != since {
		t.Errorf("the PSA was down since %s, and is down since %s after a reload", since, again)
	}
}

// imapBox is a mailbox that is read by IMAP, and another whose server is not there.
const imapBox = `		mail support {
			imap IMAP {
				login ` + imaptest.User + ` secret file mail/support password
				tls off
				poll 1s
			}
			alias ` + imaptest.User + ` {
				queue NOC
			}
		}
		mail broken {
			imap 127.0.0.1:1 {
				login somebody oauth2 http://127.0.0.1:1/token psagate secret file mail/support password {
					refresh_token secret file mail/support password
				}
				tls off
			}
			alias broken@example.com
			fallback ates addticket@example.net {
				smtp 127.0.0.1:1
				tls off
				login bridge secret file mail/support password
				key secret file mail/support password
			}
		}
`

func TestAMailOfARealServerBecomesATicketWhateverBecomesOfAnotherMailbox(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	o := newPostOffice(t, strings.Replace(imapBox, "IMAP", server.Plain, 1))
	secrets, err := os.ReadFile(o.path("secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]map[string]string{}
	if err := json.Unmarshal(secrets, &records); err != nil {
		t.Fatal(err)
	}
	records["mail/support"] = map[string]string{"password": imaptest.Password}
	text, _ := json.Marshal(records)
	o.put(t, "secrets.json", string(text))
	running, tell := o.start(t)
	tell("event started")
	server.Deliver([]byte("From: Ada <ada@customer.test>\r\nTo: " + imaptest.User + "\r\nMessage-ID: <1@customer.test>\r\nSubject: printer\r\n\r\nHelp.\r\n"))
	if ticket := o.ticket(t, "printer"); fmt.Sprint(ticket["queueID"]) != "9" {
		t.Errorf("%v", ticket)
	}
	for end := time.Now().Add(30 * time.Second); len(server.Folder("Processed")) != 1 || len(server.Folder("INBOX")) != 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the mail is not moved; the log:\n%s", o.log(t))
		}
	}
	out, err := o.command(t.Context(), "psa", "status", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").Output()
	if err != nil || !strings.Contains(string(out), "mailbox support: working") || !strings.Contains(string(out), "mailbox broken: FAILING") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = o.command(t.Context(), "psa", "mail", "test", "support", "--config", o.path("Caddyfile"), "--adapter", "caddyfile").Output()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if err := running.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := running.Wait(); err != nil {
		t.Errorf("%v\n%s", err, o.log(t))
	}
	for _, said := range []string{o.log(t), string(out)} {
		if strings.Contains(said, imaptest.Password) {
			t.Error("the password is told")
		}
	}
}
