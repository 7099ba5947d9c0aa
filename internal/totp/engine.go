package totp

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/psagate/psagate/internal/installation"
)

var (
	// ErrWrong: the code is not right. It counts as a failure.
	ErrWrong = errors.New("the code is not right: take the one that the app shows now, and see that the phone's clock is right")
	// ErrUsed: the code was right, and has been taken before: it counts once. This is no failure.
	ErrUsed = errors.New("the code was used before: wait for the next one")
	// ErrNotEnrolled: the person has no app.
	ErrNotEnrolled = errors.New("no authenticator app is enrolled")
	// ErrEnrolled: the person has one, and a step-up that is fresh, or an administrator's reset, must come before another.
	ErrEnrolled = errors.New("an authenticator app is enrolled already: prove it with a code first, or have an administrator reset it")
	// ErrNotBegun: there is no such beginning any more: it is too old, or another one has taken its place, or too many codes were wrong.
	ErrNotBegun = errors.New("this enrolment is over: begin a new one")
)

// Config is what an Engine works with.
type Config struct {
	// Store keeps what must hold over processes.
	Store Store
	// Key gives the installation's key as it is now.
	Key func() installation.Key
	// Name is what apps show beside the account. Default: psagate. A colon in it is left out (Key Uri Format).
	Name string
	// Now is the clock; default: time.Now. That of all hosts, and of the phones, must agree within one period.
	Now func() time.Time
	// Random gives bytes of a cryptographic quality. Default: that of crypto/rand.
	Random io.Reader
}

// Engine is the second factor of people. Its methods may be called at once, here and in other processes on the same store.
type Engine struct{ cfg Config }

// New returns an engine. It does no I/O.
func New(cfg Config) *Engine {
	cfg.Name = cmp.Or(label(cfg.Name), "psagate")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return &Engine{cfg}
}

// withOneKey is the engine with the key of this moment: all that one question asks of it must go by the same one.
func (e *Engine) withOneKey() *Engine {
	key := e.cfg.Key()
	cfg := e.cfg
	cfg.Key = func() installation.Key { return key }
	return &Engine{cfg}
}

// maxLabel bounds a name in an app, in characters: QR codes grow with it.
const maxLabel = 64

// CheckName says what is wrong with a name that apps are to show beside the account.
func CheckName(name string) error {
	if name == "" || label(name) != name {
		return fmt.Errorf("the name that apps show has 1 to %d characters, no colon, and no space around it", maxLabel)
	}
	return nil
}

// label makes a name that an app can show: a colon divides the two names of a Key Uri, and may be in neither.
func label(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == ':' || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
	if runes := []rune(text); len(runes) > maxLabel {
		text = strings.TrimSpace(string(runes[:maxLabel]))
	}
	return text
}

const seedPurpose = "totp seed"

// seed opens an enrolment's seed; old says that it is to be sealed anew.
func (e *Engine) seed(p Person, of *Enrolment) (seed Seed, old bool, err error) {
	key, old, err := e.cfg.Key().Open(seedPurpose, p.names(), of.Seed)
	if err != nil {
		return Seed{}, false, seedError{err}
	}
	return newSeed(key, of.Settings), old, nil
}

func (e *Engine) seal(p Person, key []byte) []byte {
	return e.cfg.Key().Seal(seedPurpose, p.names(), key)
}

// seedError is that a seed in the store cannot be opened.
type seedError struct{ cause error }

func (e seedError) Error() string {
	return "the seed of the authenticator app: " + e.cause.Error() + "; or have an administrator reset the app"
}

func (e seedError) Unwrap() error { return e.cause }

// token is a random text of 128 bits.
func (e *Engine) token() (string, error) {
	raw, err := e.random(16)
	return noPadding.EncodeToString(raw), err
}

func (e *Engine) random(n int) ([]byte, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(e.cfg.Random, raw); err != nil {
		return nil, errors.New("no random bytes")
	}
	return raw, nil
}

// now is the moment as a store keeps it.
func (e *Engine) now() time.Time { return e.cfg.Now().Truncate(time.Microsecond) }
