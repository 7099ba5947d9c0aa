package provider

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp/totp"
)

// app is one secret that the telephone knows, and when it was told.
type app struct {
	seed  string
	added time.Time
}

const (
	// maxApps is how many secrets the telephone has room for; the oldest one goes.
	maxApps = 4
	// period is for how long a code is the present one, and digits how many it has: what psagate has apps do, and most others.
	period = 30 * time.Second
	// maxSeed is how long a secret may be, in characters.
	maxSeed = 128
)

// showing is one code on the telephone.
type showing struct {
	Code, Added string
	Left        int // for how many seconds it is the present one
}

// phone shows the present codes.
func (p *Provider) phone(w http.ResponseWriter, _ *http.Request) {
	codes, err := p.showings()
	if err != nil {
		render(w, http.StatusInternalServerError, "said", said{"No code", err.Error()})
		return
	}
	render(w, http.StatusOK, "phone", codes)
}

func (p *Provider) showings() (all []showing, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for _, a := range p.apps {
		code, err := totp.GenerateCode(a.seed, now)
		if err != nil { // each one was tried
			return nil, errors.New("no code can be made of the secret")
		}
		all = append(all, showing{code, a.added.Format("15:04:05"), int((now.Truncate(period).Add(period).Sub(now) + time.Second - 1) / time.Second)})
	}
	return all, nil
}

// addApp has the telephone know a secret.
func (p *Provider) addApp(w http.ResponseWriter, r *http.Request) {
	seed, err := seedOf(r.PostFormValue("secret"))
	if err != nil {
		render(w, http.StatusBadRequest, "said", said{"This is no secret", err.Error()})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apps = slices.DeleteFunc(p.apps, func(a app) bool { return a.seed == seed })
	p.apps = append([]app{{seed, p.now()}}, p.apps...)
	p.apps = p.apps[:min(len(p.apps), maxApps)]
	http.Redirect(w, r, pathPhone, http.StatusSeeOther)
}

// seedOf reads a secret as pages show it: base32, in any case, with gaps between.
func seedOf(text string) (string, error) {
	seed := strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, text))
	if seed == "" || len(seed) > maxSeed {
		return "", fmt.Errorf("it is to have 1 to %d characters, as the page that shows it has them", maxSeed)
	}
	if _, err := totp.GenerateCode(seed, time.Unix(0, 0)); err != nil { // its error is not known to hide the secret
		return "", errors.New("it is made of the letters A to Z and the digits 2 to 7")
	}
	return seed, nil
}
