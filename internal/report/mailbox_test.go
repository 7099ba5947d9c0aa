package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestAMailboxIsAsBadAsTheWorstOfIt(t *testing.T) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	m := MailboxStatus{Name: "support"}
	for _, step := range []struct {
		change func()
		state  MailboxState
		advice string
	}{
		{func() {}, MailboxWorking, ""},
		{func() { m.Dead = 1 }, MailboxWorking, "psagate mail list support"},
		{func() { m.DownSince = &at }, MailboxWaiting, "psagate mail list support"},
		{func() { m.Problem = "the password is refused" }, MailboxFailing, "psagate mail test support"},
		{func() { m.BooksProblem = "the disk is full" }, MailboxNoBooks, "psagate mail test support"},
		{func() { m.Seen, m.Gap = 7, 1 }, MailboxGap, "7 mails came and 6 are in the books"},
	} {
		step.change()
		if m.Judge(); m.State != step.state || !strings.Contains(m.Advice(), step.advice) || (m.Advice() == "") != (step.advice == "") {
			t.Errorf("%q, %q, want %q with %q", m.State, m.Advice(), step.state, step.advice)
		}
	}
}

func TestAMailboxInTheStatusForPeople(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	before := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	m := MailboxStatus{
		Name: "support", Aliases: []string{"support@example.com", "help@example.com"}, State: MailboxWaiting, Server: "imap.example.com:993", User: "support",
		DownWhy: "login-locked", Troubles: []MailTrouble{{Since: now.Add(-time.Hour), Last: now.Add(-time.Minute), Times: 2, Text: "the PSA refuses the source of tickets"}},
		ConnectedSince: before(3 * time.Hour), CompleteAt: before(20 * time.Second), Inbox: 4, Held: 1, SMTP: ":25", DownSince: before(5 * time.Minute),
		Seen: 120, Pending: 4, OldestPending: before(6 * time.Minute), Suspended: 2, Dead: 1, Fallback: 3,
	}
	var out bytes.Buffer
	Printer{Out: &out, Location: time.UTC}.mailboxStands(m, now)
	for _, want := range []string{
		"mailbox support: WAITING, the PSA's API cannot be used", "support@example.com, help@example.com",
		"support at imap.example.com:993: connected for 3h 0m, 4 in the inbox 20s ago, 1 that cannot be fetched", ":25",
		"120 came, 4 pending, the oldest for 6m 0s, 2 suspended, 1 dead, 3 with the PSA's mail service",
		"! the PSA's API cannot be used for it since 11:55:00: login-locked", "! the PSA refuses the source of tickets (2 times since 11:00:00, the last 11:59:00)", "→ somebody has to decide",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, &out)
		}
	}
}
