package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What people saw, as the promises count it.
const (
	named      = "refusals with a program's name"
	nameless   = "refusals without one"
	askedFirst = "second factors asked for"
	signedFor  = "deeds in the audit log by Ann"
	told       = "refusals with the line of Cedar"
	turnedAway = "strangers turned away"
	landed     = "links that led to the zone"
)

// saw is how often people saw something.
func saw(what string) func(outcome) int { return func(o outcome) int { return o.seen[what] } }

// signIn opens the console in a new browser, and signs in as somebody.
func (w *world) signIn(ctx context.Context, name string) (*browser, error) {
	b, err := newBrowser()
	if err != nil {
		return nil, err
	}
	if err := b.open(ctx, w.desk.url()+"/"); err != nil {
		return nil, err
	}
	return b, b.follow(ctx, name) // on the provider's page
}

// annSignsIn has Ann come to the console, while nothing is the matter.
func annSignsIn(s *scene) (err error) {
	if s.ann, err = s.signIn(s.ctx, "Ann"); err != nil {
		return err
	}
	if !s.ann.shows("You are signed in as Ann.") {
		return s.ann.lacks("a word", "You are signed in as Ann.")
	}
	s.show(s.ann.find("p", "id", "headline"))
	rows, err := s.refusals()
	s.before = map[string]bool{}
	for _, row := range rows {
		s.before[row["time"]] = true
	}
	return err
}

// refusals are the sign-ins that the console says the PSA refused.
func (s *scene) refusals() (rows []map[string]string, err error) {
	if err := s.ann.open(s.ctx, s.desk.url()+"/failures"); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(s.ann.rows(), func(row map[string]string) bool { return row["verdict"] != "refused" }), nil
}

// isProgram reports whether a line of the console's names one of the integrations.
func isProgram(row map[string]string) bool {
	_, is := jobsOf[row["who"]]
	return is
}

// annSeesWho has Ann look until the console says that calls are not served, and who was refused.
func annSeesWho(s *scene) error {
	headline := ""
	err := s.until("the console says that calls of main are not served", func() (bool, error) {
		err := s.ann.open(s.ctx, s.desk.url()+"/")
		headline = s.ann.find("p", "id", "headline")
		return strings.Contains(strings.ToLower(headline), "calls of main are not served"), err
	})
	if err != nil {
		return err
	}
	s.show(headline)
	var rows []map[string]string
	err = s.until("the console says who was refused", func() (bool, error) {
		rows, err = s.refusals()
		rows = slices.DeleteFunc(rows, func(row map[string]string) bool { return s.before[row["time"]] })
		return slices.ContainsFunc(rows, isProgram), err
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		switch program := isProgram(row); {
		case program && s.seen[named] == 0:
			s.show(fmt.Sprintf("%s  %s, key %s, from %s, version %s: %s", row["time"], row["who"], row["key"], row["from"], row["version"], row["verdict"]))
			fallthrough
		case program:
			s.seen[named]++
		case !strings.HasPrefix(row["who"], "psagate "): // that is its own rare recheck
			s.seen[nameless]++
		}
	}
	return nil
}

// until waits for something that comes by itself, for 10 s at the most.
func (s *scene) until(what string, there func() (bool, error)) error {
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
		if ok, err := there(); ok || err != nil || s.ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("it took more than 10 s until %s", what)
}

// show has a text stand below the next line, in lines that fit.
func (s *scene) show(text string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > 72 {
			s.shown, line = append(s.shown, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	s.shown = append(s.shown, line)
}

// off is where an integration is switched off.
func (s *scene) off(name string) string { return s.desk.url() + "/act?do=disable&on=" + name }

// bobTries has somebody try to switch a program off who may only look.
func bobTries(s *scene) error {
	bob, err := s.signIn(s.ctx, "Bob")
	if err != nil {
		return err
	}
	if !bob.shows("You are signed in as Bob.") {
		return bob.lacks("a word", "You are signed in as Bob.")
	}
	if err := bob.open(s.ctx, s.off("rmm")); err != nil {
		return err
	}
	line := bob.find("pre", "", "")
	if bob.at.status == http.StatusForbidden && strings.HasPrefix(line, "permit (") && strings.Contains(line, `Action::"disable"`) {
		s.seen[told]++
	}
	s.show(line)
	return nil
}

// strangers come: somebody whom the provider knows and who is in no group of the console's, and two with cookies of their own making.
func strangers(s *scene) error {
	eve, err := s.signIn(s.ctx, "Eve")
	if err != nil {
		return err
	}
	if eve.at.status == http.StatusForbidden {
		s.seen[turnedAway]++
	}
	var forged [32]byte // as long as a session's token
	_, _ = rand.Read(forged[:])
	for _, cookie := range []string{base64.RawURLEncoding.EncodeToString(forged[:]), "ann"} {
		b, err := newBrowser()
		if err != nil {
			return err
		}
		at, err := url.Parse(s.desk.url())
		if err != nil {
			return err
		}
		b.client.Jar.SetCookies(at, []*http.Cookie{{Name: "psagate", Value: cookie}})
		if err := b.open(s.ctx, s.desk.url()+"/"); err != nil {
			return err
		}
		if b.title() == "Who are you?" { // it is at the provider's: nobody is signed in
			s.seen[turnedAway]++
		}
	}
	return nil
}
