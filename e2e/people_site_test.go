package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/issuertest"
)

// peopleHost is the site's name; only the tests' browser finds it.
const peopleHost = "people.example"

// people is a world with a site for people: HTTPS, three providers, a page behind the sign-in, and the PSA's paths beside it.
type people struct {
	*world
	provider *issuertest.Provider // corp, a certified one with forms
	partner  *issuertest.Liar     // partner, which signs in at once
	late     *issuertest.Liar     // late, which has not answered anything yet
	base     string               // the site's scheme and host
	alone    string               // those of a site that takes corp's people alone
	open     string               // those of a site without HTTPS
	mail     string               // where mails come in
}

// newPeople starts all of it. Nobody but the provider's group ops may come in.
func newPeople(t *testing.T) *people {
	t.Helper()
	w := newWorld(t)
	base := func(scheme string) string {
		_, port, _ := net.SplitHostPort(freeAddress(t))
		return scheme + "://" + net.JoinHostPort(peopleHost, port)
	}
	p := &people{world: w, base: base("https"), alone: base("https"), open: base("http"), partner: issuertest.StartLiar(t), late: issuertest.StartLiar(t), mail: freeAddress(t)}
	p.late.Lie(issuertest.Lies{Status: http.StatusInternalServerError})
	p.provider = issuertest.StartProvider(t, issuertest.Client{Callbacks: []string{p.base + "/psagate/callback/corp", p.alone + "/psagate/callback/corp"}, SignedOut: []string{p.base + "/psagate/signed-out"}})
	secrets := map[string]any{
		"autotask/main": map[string]string{"username": user, "secret": oldPassword, "integration_code": code},
		"sso/client":    map[string]string{"value": issuertest.ClientSecret},
	}
	text, err := json.Marshal(secrets)
	if err != nil {
		t.Fatal(err)
	}
	w.write(secretsFile, string(text))
	w.hide("the client's secret", issuertest.ClientSecret)
	w.caddyfile.global = "skip_install_trust\n\tauto_https disable_redirects\n\tlog {\n\t\tformat psa\n\t}"
	w.caddyfile.psa = p.issuer("corp", p.provider.URL) + p.issuer("partner", p.partner.URL) + p.issuer("late", p.late.URL) + p.mailbox() + "audit\n\t\t"
	w.caddyfile.login = "queue 256 1s" // a call waits so long for a new password
	w.caddyfile.sites = p.sites()
	w.write("calls.cedar", callsPolicy+consolePolicy+mailPolicy)
	return p
}

// serve starts the server and waits until the site has its certificate.
func (p *people) serve() {
	p.Helper()
	p.start()
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: peopleHost, InsecureSkipVerify: true}} // nobody vouches for it
	_, port, _ := strings.Cut(strings.TrimPrefix(p.base, "https://"), ":")
	p.until("the site has its certificate", func() bool {
		conn, err := dialer.DialContext(p.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

func (p *people) issuer(name, at string) string {
	return fmt.Sprintf(`issuer %s %s {
			client_id %s
			client_secret secret file sso/client
		}
		`, name, at, issuertest.ClientID)
}

// sites are the one that most tests are at, one for fewer people, and one that has forgotten HTTPS.
func (p *people) sites() string {
	log := fmt.Sprintf("bind 127.0.0.1\n\tlog {\n\t\toutput file %s\n\t\tformat psa\n\t}", p.path("people.log"))
	return fmt.Sprintf(`
%s {
	%s
	tls internal
	@people path /tickets/* /console/*
	psa_signin @people corp partner late {
		groups ops
	}
	handle_path /console/* {
		psa_console
	}
	psa_stepup /tickets/secret/* totp
	header /tickets/* Content-Type text/html
	respond /tickets/* <<HTML
		<!DOCTYPE html>
		<html lang="en"><title>Tickets</title>
		<h1>The tickets of {psa.person}</h1>
		<p>{uri}</p>
		<p><a href="/psagate/logout">Sign out</a></p>
		HTML
	psa_gateway /ATServicesRest/*
	respond / "The front page"
}

%s {
	%s
	tls internal
	psa_signin corp
	respond "For {psa.person} of corp alone"
}

%s {
	%s
	psa_signin corp
}
`, p.base, log, p.alone, log, p.open, log)
}

// knows has a provider sign in somebody, in groups, from now on.
func knows(l *issuertest.Liar, name string, groups ...string) {
	l.Lie(issuertest.Lies{User: map[string]any{"sub": strings.ToLower(name), "name": name, "groups": groups}})
}
