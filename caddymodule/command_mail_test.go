package caddymodule

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/maildesk"
)

// nobody is a directory of nobody.
type nobody struct{}

func (nobody) Resources(context.Context, string) ([]route.Person, error)     { return nil, nil }
func (nobody) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }
func (nobody) Companies(context.Context, string) ([]int64, error)            { return nil, nil }
func (nobody) TicketByNumber(context.Context, string) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil
}

func (nobody) TicketByID(context.Context, int64) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil
}

// boxes are the mailboxes of a config that has these, and remember which were woken.
type boxes struct {
	names []string
	woken *[]string
}

// Names implements maildesk.Boxes.
func (b boxes) Names() []string { return b.names }

// Wake implements maildesk.Boxes.
func (b boxes) Wake(name string) { *b.woken = append(*b.woken, name) }

// withMails has mails of all kinds in the books of two mailboxes, the second of which the config has no more.
func withMails(t *testing.T) (*ledger.Memory, *[]string) {
	t.Helper()
	books, woken, rules := ledger.NewMemory(), new([]string), ledger.Rules{}
	clock := sessionClock
	desk := mailDesk
	mailDesk = func(*App) *maildesk.Desk {
		return &maildesk.Desk{Books: books, Boxes: boxes{[]string{"empty", "support"}, woken}, Now: func() time.Time { return noon }, Trial: func(name string) *drive.Driver {
			if name != "support" {
				return nil
			}
			return &drive.Driver{Ledger: books, Directory: nobody{}, Mailbox: route.Mailbox{Name: name, Default: route.Fields{Company: "0", Queue: "Monitoring"}}}
		}}
	}
	sessionClock = func() time.Time { return noon }
	t.Cleanup(func() { mailDesk, sessionClock = desk, clock })
	put := func(mailbox, from, subject string, before time.Duration, steps ...func(ledger.Mail) ledger.Mail) {
		t.Helper()
		m, _, err := books.Spool(context.Background(), ledger.Mail{
			Mailbox: mailbox, Object: fmt.Sprintf("1:%d", int(before.Minutes())), From: from, Subject: subject, Arrived: noon.Add(-before), Due: noon.Add(-before),
			MessageID: "id-" + subject + "@acme.example",
		}, []byte("From: "+from+"\r\n\r\nhidden words\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			if m, err = books.Update(context.Background(), step(m)); err != nil {
				t.Fatal(err)
			}
		}
	}
	do := func(step ledger.Step, result ledger.Result) func(ledger.Mail) ledger.Mail {
		return func(m ledger.Mail) ledger.Mail {
			m, err := rules.End(rules.Begin(m, step, m.Due), step, result, m.Due.Add(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	understood := func(u ledger.Understood) func(ledger.Mail) ledger.Mail {
		u.Plan = []byte(`{"description":"hidden words"}`)
		return do(ledger.Understand, ledger.Result{Answer: ledger.Yes, Understood: u})
	}
	sent := do(ledger.Send, ledger.Result{Answer: ledger.Yes, Ticket: 7001, Number: "T20261127.0007"})
	unknown := do(ledger.Send, ledger.Result{Answer: ledger.Unknown})
	moved := do(ledger.Acknowledge, ledger.Result{Answer: ledger.Yes})
	put("support", "jo@acme.example", "Printer on fire", 3*time.Hour, understood(ledger.Understood{Reference: "mb1AAAA", Why: []string{"it came by the alias support@msp.example", "jo@acme.example is a contact of company 5", "its ticket gets company 5, queue Level 1"}}), sent, moved)
	put("support", "reports@rmm.example", "Report of the night", 2*time.Hour, understood(ledger.Understood{Reference: "mb1BBBB", End: ledger.Suspended, Cause: "loop", Why: []string{"the same came 20 times in 5 minutes"}}))
	put("support", "ann@acme.example", "Invoice", time.Hour, understood(ledger.Understood{Reference: "mb1CCCC"}), unknown)
	put("support", "bo@acme.example", "Hello", 10*time.Minute)
	put("former", "", "", 50*time.Hour)
	return books, woken
}

func TestMailCommandsPrintTheirGoldenFiles(t *testing.T) {
	for name, c := range map[string]struct {
		args, event string
	}{
		"mail-list":           {"mail list", ""},
		"mail-list-json":      {"mail list --json", ""},
		"mail-list-mailbox":   {"mail list support", ""},
		"mail-list-state":     {"mail list support --state suspended --state dead --json", ""},
		"mail-list-text":      {"mail list support --text ACME --most 1", ""},
		"mail-list-page":      {"mail list support --text ACME --most 1 --after 4", ""},
		"mail-list-oldest":    {"mail list support --oldest --since 90m", ""},
		"mail-list-none":      {"mail list empty", ""},
		"mail-list-unknown":   {"mail list other", ""},
		"mail-list-bad-state": {"mail list support --state suspendet", ""},
		"mail-list-bad-since": {"mail list support --since yesterday", ""},
		"mail-list-of-none":   {"mail list --state dead", ""},
		"mail-show":           {"mail show support 1", ""},
		"mail-show-aside":     {"mail show support 2", ""},
		"mail-show-doubt":     {"mail show support 3 --json", ""},
		"mail-show-unknown":   {"mail show support 5", ""},
		"mail-show-no-number": {"mail show support first", ""},
		"mail-retry":          {"mail retry support 2 --reason wanted", eventMailRetried},
		"mail-retry-done":     {"mail retry support 1", ""},
		"mail-drop":           {"mail drop support 2 --reason spam", eventMailDropped},
		"mail-drop-waiting":   {"mail drop support 4 --json", eventMailDropped},
		"mail-drop-doubt":     {"mail drop support 3", ""},
		"mail-drop-other":     {"mail drop former 2", ""},
		"mail-drop-former":    {"mail drop former 5", eventMailDropped},
		"mail-dryrun":         {"mail dryrun support", ""},
		"mail-dryrun-json":    {"mail dryrun support --since 150m --json", ""},
		"mail-dryrun-unknown": {"mail dryrun former", ""},
		"mail-dryrun-since":   {"mail dryrun support --since x", ""},
		"mail-retry-nothing":  {"mail retry support", ""},
	} {
		t.Run(name, func(t *testing.T) {
			books, woken := withMails(t)
			before := states(t, books)
			address := running(t, new(fake))
			var got result
			noted := audited(t, func() { got = run(t, append(strings.Fields(c.args), "--address", address)...) })
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", c.args, got.out, got.err, got.status)
			golden(t, "testdata/command/"+name+".golden", strings.ReplaceAll(text, address, "<address>"))
			if strings.Contains(text, "hidden") {
				t.Errorf("it shows what a mail says:\n%s", text)
			}
			if c.event == "" {
				if len(noted) != 0 || len(*woken) != 0 || states(t, books) != before {
					t.Errorf("something is done: %+v, %v, %s", noted, *woken, states(t, books))
				}
				return
			}
			if len(noted) != 1 || noted[0].Event != c.event || noted[0].CallerKind != audit.Operator || noted[0].Data["mailbox"] == "" || noted[0].Data["mail"] == "" || noted[0].Address != "127.0.0.1" {
				t.Errorf("%+v", noted)
			}
			if len(*woken) != 1 || states(t, books) == before {
				t.Errorf("nothing is done: %v, %s", *woken, states(t, books))
			}
		})
	}
}

// states are those of all mails.
func states(t *testing.T, books ledger.Ledger) (all string) {
	t.Helper()
	list, err := books.List(t.Context(), ledger.Query{Most: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		all += fmt.Sprint(m.ID, m.State, m.Epoch, " ")
	}
	return all
}

// lossy has one mail less than its books say.
type lossy struct{ ledger.Ledger }

// Balance implements ledger.Ledger.
func (l lossy) Balance(ctx context.Context, mailbox string) (ledger.Balance, error) {
	b, err := l.Ledger.Balance(ctx, mailbox)
	b.Seen++
	return b, err
}

func TestBooksThatDoNotBalanceAreANo(t *testing.T) {
	books, _ := withMails(t)
	mailDesk = func(*App) *maildesk.Desk {
		return &maildesk.Desk{Books: lossy{books}, Boxes: boxes{nil, new([]string)}, Now: func() time.Time { return noon }}
	}
	address := running(t, new(fake))
	for _, args := range []string{"mail list", "mail list support"} {
		got := run(t, append(strings.Fields(args), "--address", address)...)
		if got.status != exitNo || !strings.Contains(got.out, "THE BOOKS DO NOT BALANCE, 1 mail is missing") || !strings.Contains(got.out, "5 seen is not 1 ticket") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestTheAdminEndpointOfMailsRefusesWhatItDoesNotKnow(t *testing.T) {
	withMails(t)
	server := admin{running(t, new(fake))}
	var out any
	for path, want := range map[string]string{
		"mail/support/2/forget":   "nothing is at",
		"mail/support/x":          "a mail is named by its number",
		"mail/support/-1":         "a mail is named by its number",
		"mail/support?after=x":    "after is the number",
		"mail/support?most=0":     "from 1 to 500",
		"mail/support?most=501":   "from 1 to 500",
		"mail/support?state=Dead": "unknown word",
		"mail/support/2/retry":    "takes POST",
	} {
		if err := server.get(path, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path, want := range map[string]string{"mail": "takes GET", "mail/support": "takes GET", "mail/support/2": "takes GET", "mail/support/2/drop": "the body must be"} {
		if err := server.post(path, map[string]string{"why": "x"}, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
