package caddymodule

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/session"
)

// signedIn has ann in two browsers, a namesake of another issuer's, and bob, who is longer signed in than most sites would have it.
func signedIn(t *testing.T) *session.Memory {
	t.Helper()
	m := session.NewMemory()
	table, clock := sessionTable, sessionClock
	sessionTable, sessionClock = func() session.Table { return m }, func() time.Time { return noon }
	t.Cleanup(func() { sessionTable, sessionClock = table, clock })
	for i, s := range []session.Session{
		{ID: "AAAAAAAAAAAAAAAA", Person: session.Person{Issuer: "corp", Subject: "7d1f"}, Created: noon.Add(-time.Hour), Address: "192.0.2.7", Agent: "Mozilla/5.0"},
		{ID: "BBBBBBBBBBBBBBBB", Person: session.Person{Issuer: "corp", Subject: "7d1f"}, Created: noon.Add(-2 * time.Hour)},
		{ID: "CCCCCCCCCCCCCCCC", Person: session.Person{Issuer: "partner", Subject: "7d1f"}, Created: noon.Add(-3 * time.Hour)},
		{ID: "DDDDDDDDDDDDDDDD", Person: session.Person{Issuer: "corp", Subject: "bob"}, Created: noon.Add(-20 * 24 * time.Hour)},
	} {
		s.Person.IssuerURL, s.Person.Email, s.Person.Name = "https://"+s.Person.Issuer+".example", "hidden@example.com", "Hidden"
		s.Seen, s.Ends = noon.Add(-10*time.Minute), noon.Add(10*24*time.Hour)
		if err := m.Add(t.Context(), session.Row{Session: s, Hash: sha256.Sum256([]byte{byte(i)}), Idle: 48 * time.Hour}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestSessionCommandsPrintTheirGoldenFiles(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		left int
	}{
		"sessions":             {"sessions", 4},
		"sessions-json":        {"sessions --json", 4},
		"sessions-person":      {"sessions --issuer corp --person 7d1f", 4},
		"sessions-nobody":      {"sessions --person nobody", 4},
		"sessions-unknown":     {"sessions ende", 4},
		"sessions-end":         {"sessions end AAAAAAAAAAAAAAAA", 3},
		"sessions-end-person":  {"sessions end --issuer corp --person 7d1f", 2},
		"sessions-end-json":    {"sessions end DDDDDDDDDDDDDDDD --json", 3},
		"sessions-end-nobody":  {"sessions end EEEEEEEEEEEEEEEE", 4},
		"sessions-end-nothing": {"sessions end", 4},
		"sessions-end-half":    {"sessions end --person 7d1f", 4},
		"sessions-end-both":    {"sessions end AAAAAAAAAAAAAAAA --person 7d1f", 4},
	} {
		t.Run(name, func(t *testing.T) {
			m, address := signedIn(t), running(t, new(fake))
			var got result
			noted := audited(t, func() { got = run(t, append(strings.Fields(c.args), "--address", address)...) })
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", c.args, got.out, got.err, got.status)
			golden(t, "testdata/command/"+name+".golden", strings.ReplaceAll(text, address, "<address>"))
			if strings.Contains(strings.ToLower(text), "hidden") {
				t.Errorf("it shows what a person is called:\n%s", text)
			}
			rows, err := m.Rows(t.Context())
			if err != nil || len(rows) != c.left {
				t.Errorf("%d sessions are left, want %d, error %v", len(rows), c.left, err)
			}
			if len(noted) != 4-c.left {
				t.Errorf("%d lines for %d sessions: %+v", len(noted), 4-c.left, noted)
			}
			for _, e := range noted {
				if e.Event != eventSessionEnded || e.CallerKind != audit.Person || e.Caller == "" || e.Data["by"] != byOperator || e.Address != "127.0.0.1" {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func TestSessionsAreEndedByIdOrByPersonAlone(t *testing.T) {
	signedIn(t)
	server := admin{running(t, new(fake))}
	for _, body := range []map[string]string{
		{}, {"id": ""}, {"issuer": "corp"}, {"person": "7d1f"}, {"id": "AAAAAAAAAAAAAAAA", "issuer": "corp", "person": "7d1f"}, {"hash": "x"},
	} {
		var out any
		if err := server.post("sessions/end", body, &out); err == nil || !strings.Contains(err.Error(), "the body must be") {
			t.Errorf("%v: %v", body, err)
		}
	}
}
