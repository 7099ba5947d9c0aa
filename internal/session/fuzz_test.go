package session_test

import (
	"errors"
	"testing"

	"github.com/psagate/psagate/internal/session"
)

// FuzzSessionToken: no text but the token itself is one, whatever it looks like.
func FuzzSessionToken(f *testing.F) {
	k := keeper(f, session.NewMemory(), newClock(), session.Limits{})
	token, _ := begin(f, k, nil)
	f.Add("")
	f.Add(token.Reveal())
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, ok := session.ParseToken(text)
		if ok && parsed.Reveal() != text {
			t.Errorf("%q became another", text)
		}
		if _, err := k.Find(t.Context(), parsed, session.Use{}); (err == nil) != (text == token.Reveal()) || err != nil && !errors.Is(err, session.ErrNone) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
