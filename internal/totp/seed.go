package totp

import (
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/psagate/psagate/internal/secret"
)

// Seed is what codes are made from. It prints as redacted in every form.
type Seed struct {
	base32   secret.Value // upper case, without padding
	settings Settings
}

var noPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

const (
	// minSeed and maxSeed bound a seed, in bytes. RFC 4226 wants 16 (4, R6), but there are services that give 10.
	minSeed = 10
	maxSeed = 128
	// maxSeedText is the longest text that a seed is looked for in, in bytes.
	maxSeedText = 2048
)

func newSeed(key []byte, s Settings) Seed {
	return Seed{secret.NewValue(noPadding.EncodeToString(key)), s}
}

// parseSeed reads a seed as people write it: base32, perhaps in groups, in lower case, padded. Its error shows nothing of it.
func parseSeed(text string, s Settings) (Seed, error) {
	if len(text) > maxSeedText {
		return Seed{}, errors.New("is too long for a seed")
	}
	clean := strings.ToUpper(strings.Map(func(r rune) rune {
		if isGap(r) {
			return -1
		}
		return r
	}, strings.TrimRight(strings.TrimSpace(text), "=")))
	key, err := noPadding.DecodeString(clean)
	if err != nil {
		return Seed{}, errors.New("is no base32: that is the letters A to Z and the digits 2 to 7")
	}
	if len(key) < minSeed || len(key) > maxSeed {
		return Seed{}, fmt.Errorf("is a seed of %d bytes: it must have at least %d and at most %d", len(key), minSeed, maxSeed)
	}
	return newSeed(key, s), nil
}

// Settings are how codes are made of it.
func (s Seed) Settings() Settings { return s.settings }

// Code is the code of a moment, and until when it is the present one.
func (s Seed) Code(at time.Time) (secret.Code, error) {
	step := s.settings.step(at)
	text, err := hotp.GenerateCodeCustom(s.base32.Reveal(), uint64(step), s.opts())
	if err != nil {
		return secret.Code{}, errors.New("no code can be made of the seed: it is damaged") // the library's error is not known to hide it
	}
	return secret.Code{Text: secret.NewValue(text), Until: s.settings.begins(step + 1), Period: s.settings.Period}, nil
}

// drift is how many steps a person's clock may be ahead or behind (RFC 6238, 5.2).
const drift = 1

// match returns the lowest step near a moment whose code this is, above the last one that was taken. used says that it is the code
// of a step that was taken, or of one before that. All steps are looked at, however early one fits.
func (s Seed) match(code string, at time.Time, last int64) (step int64, right, used bool) {
	now := s.settings.step(at)
	for n := now + drift; n >= now-drift; n-- {
		is, err := hotp.ValidateCustom(code, uint64(n), s.base32.Reveal(), s.opts())
		switch {
		case err != nil || !is:
		case n > last:
			step, right = n, true
		default:
			used = true
		}
	}
	return step, right, used && !right
}

func (s Seed) opts() hotp.ValidateOpts {
	algorithm, _, _ := s.settings.Algorithm.otp()
	return hotp.ValidateOpts{Digits: otp.Digits(s.settings.Digits), Algorithm: algorithm}
}

// Format prints [secret.Redacted] for every verb.
func (Seed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Redacted) }

// LogValue returns [secret.Redacted].
func (Seed) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalJSON returns [secret.Redacted] as a JSON string.
func (Seed) MarshalJSON() ([]byte, error) { return []byte(`"` + secret.Redacted + `"`), nil }
