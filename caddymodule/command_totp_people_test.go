package caddymodule

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"

	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/store"
	"github.com/psagate/psagate/internal/totp"
)

const corpURL = "https://login.example.com"

// withSecondFactors has the admin endpoint speak to a real store, in which ann has an app and two sessions, and bob has begun to
// enrol. It returns the address of the endpoint, the store, and what may be printed nowhere.
func withSecondFactors(t *testing.T) (address string, kept *store.Store, hidden []string) {
	kept = store.New(slog.New(slog.NewTextHandler(io.Discard, nil)))
	dir := t.TempDir()
	if err := kept.Start(context.Background(), store.Config{Kind: store.SQLite, Place: filepath.Join(dir, "store", "psagate.db"), Dir: filepath.Join(dir, "state")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	key, err := installation.FromFields(map[string]string{"key": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))})
	if err != nil {
		t.Fatal(err)
	}
	people := totp.New(totp.Config{Store: kept.TOTP(), Key: func() installation.Key { return key }})
	for _, subject := range []string{"ann", "bob"} {
		p := totp.Person{Issuer: corpURL, Subject: subject}
		begun, err := people.Begin(t.Context(), totp.Beginning{Person: p})
		if err != nil {
			t.Fatal(err)
		}
		hidden = append(hidden, begun.Secret.Reveal(), strings.ReplaceAll(begun.Secret.Reveal(), " ", ""), begun.ID)
		if subject != "ann" {
			continue
		}
		code, err := otp.GenerateCode(strings.ReplaceAll(begun.Secret.Reveal(), " ", ""), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		confirmed, err := people.Confirm(t.Context(), p, begun.ID, code)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range confirmed.Recovery {
			hidden = append(hidden, c.Reveal())
		}
	}
	keeper, err := session.NewKeeper(kept.Sessions(), session.Limits{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"ann", "ann", "bob"} {
		if _, _, err := keeper.Begin(t.Context(), session.Person{Issuer: "corp", IssuerURL: corpURL, Subject: subject}, "", session.Use{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	before, table := secondFactors, sessionTable
	secondFactors, sessionTable = func() (*totp.Engine, error) { return people, nil }, kept.Sessions
	t.Cleanup(func() { secondFactors, sessionTable = before, table })
	server := httptest.NewServer(adminServer(t, &fake{}))
	t.Cleanup(server.Close)
	inForce.Load().Issuers = map[string]*Issuer{"corp": {URL: corpURL}}
	return server.Listener.Addr().String(), kept, hidden
}

// begunOf is ann's enrolment that has begun.
func begunOf(t *testing.T, kept *store.Store) totp.Enrolment {
	t.Helper()
	s, err := kept.TOTP().Look(t.Context(), totp.Person{Issuer: corpURL, Subject: "ann"})
	if err != nil || s.Next == nil {
		t.Fatalf("%+v, %v", s, err)
	}
	return *s.Next
}

func TestAResetTakesTheAppAndEndsTheSessions(t *testing.T) {
	address, kept, hidden := withSecondFactors(t)
	printed := ""
	totpCommand := func(status int, args ...string) string {
		t.Helper()
		got := run(t, append(append([]string{"totp"}, args...), "--address", address)...)
		if got.status != status {
			t.Errorf("%q: status %d: %s%s", args, got.status, got.out, got.err)
		}
		printed += got.out + got.err
		return got.out + got.err
	}
	says := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%q is missing: %s", w, text)
			}
		}
	}
	says(totpCommand(exitYes, "list"), "ann at corp: an app since ", "10 recovery codes left", "bob at corp: no app, and an enrolment that can be confirmed until ")
	var all report.TOTPPeople
	if err := json.Unmarshal([]byte(totpCommand(exitYes, "list", "--json")), &all); err != nil || len(all.People) != 2 || !all.People[0].Enrolled || all.People[1].Enrolled {
		t.Errorf("%+v, %v", all, err)
	}
	says(totpCommand(exitNo, "reset", "corp", "cem"), "cem at corp has no second factor")
	says(totpCommand(exitNo, "reset", "home", "ann"), "ann at home has no second factor")
	written := audited(t, func() {
		says(totpCommand(exitYes, "reset", "corp", "ann"), "ann at corp has no second factor any more; 2 sessions ended")
	})
	var events []string
	for _, e := range written {
		events = append(events, e.Event+" "+e.Caller+e.Data["subject"]+" "+e.Data["by"]+e.Data["ok"])
	}
	if want := []string{"session_ended ann operator", "session_ended ann operator", "totp_reset ann true"}; !slices.Equal(events, want) {
		t.Errorf("the audit log has %q, want %q", events, want)
	}
	says(totpCommand(exitYes, "reset", corpURL, "bob", "--json"), `"reset": true`, `"sessions_ended": 1`)
	says(totpCommand(exitNo, "invite", "corp", "ann"), "nobody needs an invitation here")
	inForce.Load().SecondFactor = &SecondFactor{Enrol: enrolAdmin}
	var given invitation
	written = audited(t, func() {
		if err := json.Unmarshal([]byte(totpCommand(exitYes, "invite", "corp", "ann", "--json")), &given); err != nil || given.Issuer != "corp" || given.Subject != "ann" || given.Page != "/psagate/totp" || time.Until(given.Until) < 59*time.Minute {
			t.Errorf("%+v, %v", given, err)
		}
	})
	if len(written) != 1 || written[0].Event != "totp_invited" || written[0].Data["subject"] != "ann" || strings.Contains(fmt.Sprint(written), given.Code) {
		t.Errorf("the audit log has %+v", written)
	}
	begin := func(code string) error {
		people, _ := secondFactors()
		_, err := people.Begin(t.Context(), totp.Beginning{Person: totp.Person{Issuer: corpURL, Subject: "ann"}, Invited: true, Invitation: code})
		return err
	}
	if err := begin(given.Code); err != nil {
		t.Errorf("the invitation: %v", err)
	}
	hidden = append(hidden, begunOf(t, kept).ID)
	says(totpCommand(exitYes, "list"), "ann at corp: no app, and an enrolment", "invited until ")
	says(totpCommand(exitYes, "invite", "corp", "ann"), "is the invitation of ann at corp, good until ", "/psagate/totp")
	if err := begin(given.Code); !errors.Is(err, totp.ErrNotInvited) {
		t.Errorf("the one of before: %v", err)
	}
	says(totpCommand(exitNo, "invite", "crop", "ann"), `there is no issuer "crop"; did you mean "corp"?`)
	says(totpCommand(exitNo, "invite", "corp", "a\tb"), "holds what is no text")
	says(totpCommand(exitUsage, "invite", "corp"), "it takes <issuer> <subject>, and got 1")
	says(totpCommand(exitYes, "reset", "corp", "ann"), "has no second factor any more")
	says(totpCommand(exitYes, "list"), "nobody has a second factor")
	says(totpCommand(exitNo, "reset", "corp", "a\tb"), "holds what is no text")
	says(totpCommand(exitUsage, "reset", "corp"), "it takes <issuer> <subject>, and got 1")
	if rows, err := kept.Sessions().Rows(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("%d sessions are left, %v", len(rows), err)
	}
	secondFactors = func() (*totp.Engine, error) { return nil, errors.New("the store is not open yet") }
	says(totpCommand(exitNo, "list"), "the store is not open yet")
	says(totpCommand(exitNo, "reset", "corp", "ann"), "the store is not open yet")
	for _, text := range hidden {
		if strings.Contains(printed, text) {
			t.Error("a command prints a secret, a code, or what an enrolment is confirmed with")
		}
	}
}
