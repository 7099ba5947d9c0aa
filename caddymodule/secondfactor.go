package caddymodule

import (
	"slices"

	"github.com/psagate/psagate/internal/totp"
)

// SecondFactor says how people come by a second factor, wherever psa_stepup asks for one.
type SecondFactor struct {
	// Enrol says who may add a first app: open, whoever is signed in, or admin, who has an administrator's invitation
	// (`psagate totp invite`). Default: open.
	Enrol string `json:"enrol,omitempty"`

	// AppName is what authenticator apps show beside the account, of up to 64 characters without a colon. Default: psagate.
	AppName string `json:"app_name,omitempty"`
}

// Who may add a first app.
const (
	enrolOpen  = "open"
	enrolAdmin = "admin"
)

var enrolWords = []string{enrolAdmin, enrolOpen}

// secondFactor reads how people come by a second factor. Syntax:
//
//	second_factor {
//	    enrol <whom>
//	    app_name <name>
//	}
func (p *parser) secondFactor(w *word) error {
	if _, err := w.present(); err != nil {
		return err
	}
	of := new(SecondFactor)
	p.app.SecondFactor = of
	p.place("second_factor", w)
	return w.block("second_factor", p.placing("second_factor", words{
		"enrol":    func(w *word) (err error) { of.Enrol, err = w.text("<whom>"); return err },
		"app_name": func(w *word) (err error) { of.AppName, err = w.text("<name>"); return err },
	}))
}

// checkSecondFactor says what is wrong with how people come by one.
func (a *App) checkSecondFactor() error {
	s := a.secondFactor()
	if s.Enrol != "" && !slices.Contains(enrolWords, s.Enrol) {
		return faultAt("second_factor enrol", "%s", unknownWord(s.Enrol, "enrol", enrolWords))
	}
	if s.AppName == "" {
		return nil
	}
	if err := totp.CheckName(s.AppName); err != nil {
		return faultAt("second_factor app_name", "%w", err)
	}
	return nil
}

// secondFactor is how people come by one.
func (a *App) secondFactor() SecondFactor {
	if a.SecondFactor == nil {
		return SecondFactor{}
	}
	return *a.SecondFactor
}
