package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/psagate/psagate/internal/psatest"
)

// What a form may be told; the text is for the page.
var (
	errNoUser   = errors.New("there is no such user")
	errNoTenant = errors.New("there is no such tenant")
	errNoZone   = errors.New("there is no such zone")
	errNoFault  = errors.New("there is no such fault")
)

// done does what a form asks for and goes back to the first page, or says what is wrong with it.
func done(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			fail(w, fmt.Errorf("the form cannot be read: %w", err))
			return
		}
		if err := do(r); err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func fail(w http.ResponseWriter, err error) { render(w, http.StatusBadRequest, "failure", err.Error()) }

func (p *page) userOf(r *http.Request) (*psatest.User, error) {
	u := p.sim.User(r.PostForm.Get("user"))
	if u == nil {
		return nil, errNoUser
	}
	return u, nil
}

func (p *page) unlock(r *http.Request) error {
	u, err := p.userOf(r)
	if err == nil {
		u.Unlock()
	}
	return err
}

func (p *page) setPassword(r *http.Request) error {
	u, err := p.userOf(r)
	if err != nil {
		return err
	}
	password := r.PostForm.Get("password")
	if err := allowed(password); err != nil {
		return err
	}
	u.SetSecret(password)
	return nil
}

// allowed holds a password against Autotask's rules, and against what a header can carry.
func allowed(password string) error {
	switch {
	case password == "":
		return errors.New("a password has at least one character")
	case utf8.RuneCountInString(password) > 64:
		return errors.New("a password has at most 64 characters")
	case strings.ContainsFunc(password, func(r rune) bool { return r <= ' ' || r == '\'' || r >= 0x7f }):
		return errors.New("a password has neither blanks nor single quotes, and no characters outside of ASCII")
	}
	return nil
}

func (p *page) move(r *http.Request) error {
	tenants, zones := p.sim.Tenants(), p.sim.Zones()
	t := slices.IndexFunc(tenants, func(t *psatest.Tenant) bool { return t.Name() == r.PostForm.Get("tenant") })
	z := slices.IndexFunc(zones, func(z *psatest.Zone) bool { return z.Name() == r.PostForm.Get("zone") })
	switch {
	case t < 0:
		return errNoTenant
	case z < 0:
		return errNoZone
	}
	tenants[t].Migrate(zones[z])
	return nil
}

// discoveryChoice is what the form calls the host without a number; no zone has this name.
const discoveryChoice = "(discovery)"

// order puts a fault of the list in force, as narrow as the form says.
func (p *page) order(r *http.Request) error {
	f, err := p.faultOf(r)
	if err != nil {
		return err
	}
	o := p.sim.Fault(f)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = append(p.orders, o)
	return nil
}

func (p *page) faultOf(r *http.Request) (psatest.Fault, error) {
	form, list := r.PostForm, psatest.Faults()
	i := slices.IndexFunc(list, func(f psatest.Fault) bool { return f.Name == form.Get("fault") })
	if i < 0 {
		return psatest.Fault{}, errNoFault
	}
	f := list[i]
	switch zone := form.Get("zone"); {
	case zone == discoveryChoice:
		f.Discovery = true
	case zone != "" && !slices.ContainsFunc(p.sim.Zones(), func(z *psatest.Zone) bool { return z.Name() == zone }):
		return f, errNoZone
	default:
		f.Zone = zone
	}
	if f.User = form.Get("user"); f.User != "" && p.sim.User(f.User) == nil {
		return f, errNoUser
	}
	if times := form.Get("times"); times != "" {
		n, err := strconv.Atoi(times)
		if err != nil || n < 0 {
			return f, fmt.Errorf("%q calls cannot be counted: give a number, or 0 for all", visible(times))
		}
		f.Times = n
	}
	return f, nil
}

func (p *page) release(r *http.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	no, err := strconv.Atoi(r.PostForm.Get("no"))
	if err != nil || no < 0 || no >= len(p.orders) {
		return errNoFault
	}
	p.orders[no].Release()
	return nil
}
