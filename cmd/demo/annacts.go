package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// annAddsApp has Ann want a program off. She is asked for a second factor first, and has none yet: she adds the telephone.
func annAddsApp(s *scene) (err error) {
	if s.ann == nil {
		if s.ann, err = s.signIn(s.ctx, "Ann"); err != nil {
			return err
		}
	}
	if err := s.ann.open(s.ctx, s.off("rmm")); err != nil {
		return err
	}
	if s.ann.title() == "Add a second factor" {
		s.seen[askedFirst]++
	}
	if err := s.ann.press(s.ctx, "Add an app", nil); err != nil {
		return err
	}
	code, err := s.phone(s.ann.find("span", "class", "secret"))
	if err != nil {
		return err
	}
	return s.ann.press(s.ctx, "Confirm", url.Values{"code": {code}})
}

// phone is the code that the telephone shows, once it was told a secret.
func (s *scene) phone(secret string) (string, error) {
	b, err := newBrowser()
	if err != nil {
		return "", err
	}
	if err := b.open(s.ctx, s.desk.provider.URL()+"/"); err != nil {
		return "", err
	}
	if err := b.press(s.ctx, "Add it", url.Values{"secret": {secret}}); err != nil {
		return "", err
	}
	code := b.find("output", "", "")
	if code == "" {
		return "", errors.New("the telephone shows no code")
	}
	return code, nil
}

// annSwitchesOff has Ann go on to what she wanted, and do it.
func annSwitchesOff(s *scene) error {
	if err := s.ann.follow(s.ctx, "I have kept them: go on"); err != nil { // the recovery codes
		return err
	}
	if err := s.ann.press(s.ctx, "Switch it off", url.Values{"reason": {"it is replaced tonight"}}); err != nil {
		return err
	}
	if !s.ann.shows("rmm is switched off") {
		return s.ann.lacks("a word", "rmm is switched off")
	}
	return nil
}

func annSwitchesOn(s *scene) error {
	if err := s.ann.open(s.ctx, s.desk.url()+"/act?do=enable&on=rmm"); err != nil {
		return err
	}
	return s.ann.press(s.ctx, "Switch it on", nil)
}

// deed is an entry of the audit log, as far as it is looked at here.
type deed struct {
	Event, Issuer, Caller string
	Data                  map[string]string
}

// annSigned waits until the audit log has what Ann did, by the name that her provider has for her. Lines come to it in their own time,
// as it is not `required` here.
func annSigned(s *scene) error {
	var hers []deed
	err := s.until("the audit log says what Ann did", func() (bool, error) {
		all, err := s.deeds()
		hers = slices.DeleteFunc(all, func(d deed) bool { return d.Issuer != "demo" || d.Caller != "ann" })
		return len(hers) >= 2, err
	})
	for _, d := range hers {
		s.seen[signedFor]++
		s.show(fmt.Sprintf("%s, of the provider %s: %s %s", d.Caller, d.Issuer, d.Data["deed"], d.Data["integration"]))
	}
	return err
}

// deeds are those that the audit log says were permitted.
func (s *scene) deeds() (all []deed, err error) {
	log, err := os.ReadFile(s.path("audit.log"))
	if err != nil {
		return nil, err
	}
	whole := log[:bytes.LastIndexByte(log, '\n')+1] // the last line may be half written
	for line := range bytes.Lines(whole) {
		var d deed
		if err := json.Unmarshal(line, &d); err != nil && len(bytes.TrimSpace(line)) > 0 {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if d.Event == "deed_permitted" {
			all = append(all, d)
		}
	}
	return all, nil
}

// wrongZone follows a link to a zone in which the tenant is not. Where it leads is the zone's page, which asks people to sign in first.
func wrongZone(s *scene) error {
	const page = "/Mvc/ServiceDesk/TicketDetail.mvc?ticketId=1"
	b, err := newBrowser()
	if err != nil {
		return err
	}
	if err := b.open(s.ctx, s.url()+"/https://ww3.autotask.net"+page); err != nil {
		return err
	}
	zone := s.tenant.Zone()
	web := s.webs[zone.Name()].URL()
	s.show(fmt.Sprintf("ww3.autotask.net became %s, of the %s zone", b.at.url.Host, strings.ToLower(zone.Name())))
	if "http://"+b.at.url.Host == web && b.at.url.Query().Get("ReturnUrl") == web+page {
		s.seen[landed]++
	}
	return nil
}

func toldDisabled(o outcome) int {
	return o.count(func(m made) bool { return m.client == "rmm" && m.reason == "disabled" })
}
