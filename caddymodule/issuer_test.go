package caddymodule

import (
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/report"
)

func TestTheStatusTellsHowIssuersStand(t *testing.T) {
	liar := issuertest.StartLiar(t)
	app := &App{Issuers: map[string]*Issuer{
		"corp": {URL: liar.URL, ClientID: issuertest.ClientID, Audience: "api"}, "guests": {URL: "http://127.0.0.1:1", ClientID: "x", Audience: "api"}, "new": {URL: "https://new.example.com", ClientID: "x"},
	}}
	if err := app.buildIssuers(); err != nil {
		t.Fatal(err)
	}
	defer app.dropIssuers()
	all := app.issuers
	for _, name := range []string{"corp", "guests"} {
		_, _ = all[name].AccessToken(t.Context(), liar.AccessToken())
	}
	now := time.Now()
	got := issuerStatuses(all, now)
	var words []string
	for _, s := range got {
		words = append(words, s.Name+" "+string(s.State))
	}
	if want := "corp serving, guests down, new unasked"; strings.Join(words, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(words, ", "), want)
	}
	if c := got[0]; c.KeysSince == nil || c.ServesUntil.Sub(*c.KeysSince) != issuer.DefaultMaxStale || c.Problem != "" || c.URL != liar.URL {
		t.Errorf("%+v", c)
	}
	if g := got[1]; g.KeysSince != nil || g.TriedAt == nil || !strings.Contains(g.Problem, "127.0.0.1:1") {
		t.Errorf("%+v", g)
	}
	if s := issuerStatuses(all, now.Add(25*time.Hour)); s[0].State != report.IssuerUnasked || s[1].State != report.IssuerDown {
		t.Errorf("a day later: %+v", s)
	}
}
