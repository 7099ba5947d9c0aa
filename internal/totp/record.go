package totp

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// The fields of a record of a secret store that hold the seed of a PSA user. All but the first may be left out, and must be where
// that is an otpauth URI, which says it all.
const (
	FieldSeed      = "totp_seed"
	FieldAlgorithm = "totp_algorithm"
	FieldDigits    = "totp_digits"
	FieldPeriod    = "totp_period"
)

// SeedFrom reads the seed of a PSA user from a record: in totp_seed it is base32 as the PSA shows it, with totp_algorithm (SHA1,
// SHA256, SHA512), totp_digits (6, 8) and totp_period (seconds) where they are not SHA1, 6 and 30; or an otpauth URI, as QR codes
// have it. Other fields are nobody's business. Its error names fields, and no contents.
func SeedFrom(r secret.Record) (Seed, error) {
	seed, err := seedFrom(r.Fields)
	if err != nil {
		return Seed{}, fmt.Errorf("record %q, version %d: %w", r.Path, r.Version, err)
	}
	return seed, nil
}

func seedFrom(fields map[string]secret.Value) (Seed, error) {
	value, there := fields[FieldSeed]
	if !there {
		return Seed{}, fmt.Errorf("field %q is missing: put the seed there, as base32 or as an otpauth URI", FieldSeed)
	}
	text := strings.TrimSpace(value.Reveal())
	uri := hasScheme(text)
	for _, name := range []string{FieldAlgorithm, FieldDigits, FieldPeriod} {
		if _, there := fields[name]; there && uri {
			return Seed{}, fmt.Errorf("field %q: the otpauth URI in %q says that already: leave it out", name, FieldSeed)
		}
	}
	if uri {
		seed, err := parseURI(text)
		if err != nil {
			return Seed{}, fmt.Errorf("field %q %w", FieldSeed, err)
		}
		return seed, nil
	}
	settings, err := parseSettings(func(name string) string { return strings.TrimSpace(fields["totp_"+name].Reveal()) })
	if err != nil {
		return Seed{}, fmt.Errorf("the fields beside %q: %w", FieldSeed, err)
	}
	seed, err := parseSeed(text, settings)
	if err != nil {
		return Seed{}, fmt.Errorf("field %q %w", FieldSeed, err)
	}
	return seed, nil
}

const scheme = "otpauth://"

func hasScheme(text string) bool {
	return len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme)
}

// parseURI reads the Key Uri Format. The library's reader takes what it does not understand for the default, which would be codes
// that are always wrong. The error shows nothing of the URI.
func parseURI(text string) (Seed, error) {
	if len(text) > maxSeedText {
		return Seed{}, errors.New("is too long for an otpauth URI")
	}
	u, err := url.Parse(text)
	if err != nil {
		return Seed{}, errors.New("is no otpauth URI that can be read")
	}
	if !strings.EqualFold(u.Host, "totp") {
		return Seed{}, errors.New("is no otpauth URI of type totp: codes that go by a counter are not made here")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Seed{}, errors.New("is an otpauth URI whose parameters cannot be read")
	}
	for _, name := range []string{"secret", "algorithm", "digits", "period"} {
		if len(q[name]) > 1 {
			return Seed{}, fmt.Errorf("is an otpauth URI that has %s twice", name)
		}
	}
	if q.Has("encoder") {
		return Seed{}, errors.New("is an otpauth URI with an encoder, which is not made here")
	}
	settings, err := parseSettings(q.Get)
	if err != nil {
		return Seed{}, fmt.Errorf("is an otpauth URI of another kind than is made here: %w", err)
	}
	seed, err := parseSeed(q.Get("secret"), settings)
	if err != nil {
		return Seed{}, fmt.Errorf("is an otpauth URI whose secret %w", err)
	}
	return seed, nil
}

// parseSettings reads algorithm, digits and period; what is empty has the default.
func parseSettings(get func(name string) string) (s Settings, err error) {
	s.Algorithm = Algorithm(strings.ReplaceAll(strings.ToUpper(get("algorithm")), "-", ""))
	if !known(s.Algorithm) {
		return s, fmt.Errorf("the algorithm is %s, %s or %s", SHA1, SHA256, SHA512) // what it is instead may be the seed, in the wrong field
	}
	if s.Digits, err = number(get("digits")); err != nil {
		return s, errors.New("digits must be 6 or 8")
	}
	seconds, err := number(get("period"))
	if err != nil {
		return s, errors.New("period must be a number of seconds")
	}
	s.Period = time.Duration(seconds) * time.Second
	s = s.withDefaults()
	return s, s.checkShared()
}

func known(a Algorithm) bool {
	_, _, is := a.otp()
	return is || a == ""
}

// number reads a small number above zero; zero where there is none.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New("no number")
	}
	return int(n), nil
}
