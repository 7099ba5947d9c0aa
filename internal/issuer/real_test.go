package issuer

import (
	"testing"

	"github.com/psagate/psagate/internal/issuertest"
)

func TestAnAccessTokenOfARealProviderIsTaken(t *testing.T) {
	p := issuertest.StartProvider(t, issuertest.Client{Callbacks: []string{back}})
	i, err := New(Config{Name: "corp", URL: p.URL, ClientID: issuertest.ClientID, Audience: issuertest.Audience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	token, err := p.MachineToken(t.Context(), issuertest.Audience)
	if err != nil || token == "" {
		t.Fatal(err)
	}
	claims, err := i.AccessToken(t.Context(), token)
	if err != nil || claims.Text("client_id") != "rmm" || claims.Text("scope") != "api" {
		t.Errorf("%v, %v", claims, err)
	}
	other, err := p.MachineToken(t.Context(), "https://other.example.com")
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.AccessToken(t.Context(), other)
	wrong(t, "for another audience", err, ErrRefused, "audience")
}
