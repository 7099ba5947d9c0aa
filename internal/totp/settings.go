package totp

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pquerna/otp"
)

// Algorithm is the hash of a seed's HMAC (RFC 6238, 1.2), as the Key Uri Format names it.
type Algorithm string

// The algorithms. SHA512 is for seeds of shared PSA users alone: few apps know it.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

// otp is the library's name for the algorithm, and how many bytes a seed for it has (RFC 6238, appendix B: as many as the hash).
func (a Algorithm) otp() (name otp.Algorithm, size uint, known bool) {
	switch a {
	case SHA1:
		return otp.AlgorithmSHA1, 20, true
	case SHA256:
		return otp.AlgorithmSHA256, 32, true
	case SHA512:
		return otp.AlgorithmSHA512, 64, true
	}
	return 0, 0, false
}

// Settings say how codes are made of a seed. What is zero has the default, which is what each app knows: SHA1, 6 digits, 30 s.
type Settings struct {
	Algorithm Algorithm
	Digits    int
	Period    time.Duration
}

func (s Settings) withDefaults() Settings {
	return Settings{cmp.Or(s.Algorithm, SHA1), cmp.Or(s.Digits, 6), cmp.Or(s.Period, 30*time.Second)}
}

// Check says what is wrong with the settings for people who enrol: the algorithm is SHA1 or SHA256, there are 6 or 8 digits, and
// a code is for 30 or 60 s.
func (s Settings) Check() error {
	s = s.withDefaults()
	switch {
	case s.Algorithm != SHA1 && s.Algorithm != SHA256:
		return fmt.Errorf("totp: algorithm %q: it is %s or %s", s.Algorithm, SHA1, SHA256)
	case s.Period != 30*time.Second && s.Period != time.Minute:
		return fmt.Errorf("totp: period %s: it is 30s or 60s", s.Period)
	case !s.digitsFit():
		return fmt.Errorf("totp: %d digits: there are 6 or 8", s.Digits)
	}
	return nil
}

// checkShared is for seeds that a PSA has made.
func (s Settings) checkShared() error {
	if _, _, known := s.Algorithm.otp(); !known {
		return fmt.Errorf("algorithm %q: it is %s, %s or %s", s.Algorithm, SHA1, SHA256, SHA512)
	}
	if s.Period < 10*time.Second || s.Period > 5*time.Minute || s.Period%time.Second != 0 {
		return fmt.Errorf("period %s: it is of whole seconds, 10 at least and 300 at most", s.Period)
	}
	if !s.digitsFit() {
		return fmt.Errorf("%d digits: there are 6 or 8", s.Digits)
	}
	return nil
}

func (s Settings) digitsFit() bool { return s.Digits == 6 || s.Digits == 8 }

// step is the number of the code of a moment: how many periods have begun since 1970 (RFC 6238, 4.2).
func (s Settings) step(at time.Time) int64 { return at.Unix() / int64(s.Period/time.Second) }

// begins is when a step begins.
func (s Settings) begins(step int64) time.Time {
	return time.Unix(step*int64(s.Period/time.Second), 0)
}
