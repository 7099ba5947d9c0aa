package totp

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

// invite invites a person, and gives the code.
func (w *world) invite(p Person) string {
	w.t.Helper()
	code := NewInvitation()
	until, err := w.Invite(w.t.Context(), p, code.Reveal())
	if err != nil || !until.Equal(w.now.Add(time.Hour)) {
		w.t.Fatal(until, err)
	}
	return code.Reveal()
}

func (w *world) mayBegin(p Person, code string) error {
	_, err := w.Begin(w.t.Context(), Beginning{Person: p, Invited: true, Invitation: code})
	return err
}

func TestAFirstAppIsForWhomAnAdministratorInvited(t *testing.T) {
	w := newWorld(t)
	if err := w.mayBegin(ann, ""); err != ErrNotInvited {
		t.Errorf("without an invitation: %v", err)
	}
	code := w.invite(ann)
	other := w.invite(bob)
	for name, wrong := range map[string]string{"nothing": "", "no code": "x", "another code": NewInvitation().Reveal(), "another person's": other} {
		if err := w.mayBegin(ann, wrong); err != ErrNotInvited {
			t.Errorf("%s: %v", name, err)
		}
	}
	begun, a := w.begin(Beginning{Person: ann, Invited: true, Invitation: strings.ToLower(strings.ReplaceAll(code, "-", " "))})
	if s, err := w.Status(t.Context(), ann); err != nil || !s.InvitedUntil.Equal(w.now.Add(time.Hour)) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := w.Confirm(t.Context(), ann, begun.ID, w.code(a, 0)); err != nil {
		t.Fatal(err)
	}
	if s, err := w.Status(t.Context(), ann); err != nil || !s.InvitedUntil.IsZero() || !s.Enrolled {
		t.Errorf("an invitation that was used: %+v, %v", s, err)
	}
	if _, err := w.Invite(t.Context(), ann, NewInvitation().Reveal()); err != ErrEnrolled {
		t.Errorf("a person with an app: %v", err)
	}
	if _, err := w.Begin(t.Context(), Beginning{Person: ann, Invited: true, SteppedUp: true}); err != nil {
		t.Errorf("who has an app replaces it without: %v", err)
	}
	if _, err := w.Reset(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	if err := w.mayBegin(ann, code); err != ErrNotInvited {
		t.Errorf("after a reset, with the invitation of before: %v", err)
	}
	if err := w.mayBegin(ann, w.invite(ann)); err != nil {
		t.Errorf("with a new one: %v", err)
	}
}

func TestAnInvitationEnds(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"after an hour":          func(w *world) { w.pass(time.Hour) },
		"with another one":       func(w *world) { w.invite(ann) },
		"with a reset":           func(w *world) { _, _ = w.Reset(w.t.Context(), ann) },
		"when it has been swept": func(w *world) { w.pass(time.Hour); _, _, _ = w.Sweep(w.t.Context()) },
	} {
		w := newWorld(t)
		code := w.invite(ann)
		w.pass(time.Hour - time.Microsecond)
		if err := w.mayBegin(ann, code); err != nil {
			t.Errorf("before: %v", err)
		}
		end(w)
		if err := w.mayBegin(ann, code); err != ErrNotInvited {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	w.invite(ann)
	w.pass(time.Hour)
	if n, _, err := w.Sweep(t.Context()); err != nil || n != 1 || len(w.store.people) != 0 {
		t.Errorf("%d were swept, %v, %+v is left", n, err, w.store.people)
	}
}

// Whoever got hold of an invitation first, and has begun with it, must not be done when the person was given another one.
func TestAnotherInvitationEndsWhatWasBegunWithTheFirst(t *testing.T) {
	w := newWorld(t)
	begun, a := w.begin(Beginning{Person: ann, Invited: true, Invitation: w.invite(ann)})
	code := w.invite(ann)
	if _, err := w.Confirm(t.Context(), ann, begun.ID, w.code(a, 0)); err != ErrNotBegun {
		t.Errorf("it is confirmed: %v", err)
	}
	begun, a = w.begin(Beginning{Person: ann, Invited: true, Invitation: code})
	if _, err := w.Confirm(t.Context(), ann, begun.ID, w.code(a, 0)); err != nil {
		t.Error(err)
	}
}

func TestInvitationsAreKeptAsHashesAndMadeAtRandom(t *testing.T) {
	w := newWorld(t)
	code := w.invite(ann)
	if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code) || code == NewInvitation().Reveal() {
		t.Error("an invitation is no 16 random letters and digits")
	}
	if kept := w.store.people[ann].Invitation; strings.Contains(kept.Sum, code) || strings.Contains(kept.Sum, strings.ReplaceAll(code, "-", "")) {
		t.Error("its code is in the store")
	}
	for _, bad := range []string{"", "x", strings.Repeat("0", 15), strings.Repeat("U", 16)} {
		if _, err := w.Invite(t.Context(), ann, bad); !errors.As(err, new(FormError)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := w.Invite(t.Context(), Person{}, code); err == nil {
		t.Error("nobody is invited")
	}
}

func TestAppsShowTheNameThatIsGiven(t *testing.T) {
	w := newWorld(t)
	begun, _ := w.begin(Beginning{Person: ann, App: "Acme PSA"})
	if uri := begun.URI.Reveal(); !strings.Contains(uri, "issuer=Acme%20PSA") || !strings.Contains(uri, "totp/Acme%20PSA:ann") {
		t.Error("the name is not in the URI")
	}
	begun, _ = w.begin(Beginning{Person: ann})
	if !strings.Contains(begun.URI.Reveal(), "issuer=psagate") {
		t.Error("the default is not psagate")
	}
	for name, good := range map[string]bool{"Acme PSA": true, "": false, "a:b": false, " x": false, strings.Repeat("x", 65): false, "a\nb": false} {
		if err := CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
