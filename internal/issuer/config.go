package issuer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

const (
	// DefaultMaxStale is for how long what is known of a provider serves that cannot be asked any more.
	DefaultMaxStale = 24 * time.Hour
	// DefaultGroupsClaim is the claim that holds a person's groups.
	DefaultGroupsClaim = "groups"
	// Leeway is how far a provider's clock may differ from this one's.
	Leeway = time.Minute
)

// Config is one provider of the config.
type Config struct {
	// Name is its name in the config.
	Name string
	// URL is the issuer, exactly as the provider writes it. It is https, or http on a loopback host.
	URL string
	// ClientID is psagate's at the provider.
	ClientID string
	// ClientSecret is asked for each time that a code is exchanged; nil: the provider knows psagate as a public client.
	ClientSecret func(context.Context) (secret.Value, error)
	// Audience is whom access tokens must be for; empty: none is taken.
	Audience string
	// GroupsClaim names the claim with a person's groups; one inside of another as outer.inner. Default: DefaultGroupsClaim.
	GroupsClaim string
	// Scopes are asked for beside openid. Default: profile and email.
	Scopes []string
	// CA is who vouches for the provider's certificate; nil: whom the system trusts.
	CA *x509.CertPool
	// MaxStale: see DefaultMaxStale.
	MaxStale time.Duration
	// Log hears of trouble with the provider; nil: nobody does.
	Log *slog.Logger
	// Transport is for tests that connect in memory; CA does not count beside it.
	Transport http.RoundTripper
}

// check says what is wrong with a config, all of it.
func (c Config) check() error {
	var errs []error
	if c.Name == "" {
		errs = append(errs, errors.New("an issuer needs a name"))
	}
	if c.ClientID == "" {
		errs = append(errs, fmt.Errorf("issuer %s: client_id is missing: it is what the provider calls psagate", c.Name))
	}
	if err := CheckURL(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("issuer %s: %w", c.Name, err))
	}
	if c.MaxStale < 0 {
		errs = append(errs, fmt.Errorf("issuer %s: what is known of it cannot serve for less than no time", c.Name))
	}
	return errors.Join(errs...)
}

// CheckURL says what is wrong with an issuer's URL (OpenID Connect Discovery 1.0, section 3).
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is no URL like https://login.example.com", shortened(text))
	case u.User != nil:
		return errors.New("its URL holds a user or a password: give client_id and client_secret")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return fmt.Errorf("%q: an issuer's URL has no query and no fragment", shortened(text))
	}
	return checkPlace(u)
}

// checkPlace refuses to speak in the open: everything of a provider's that psagate asks or sends people to is https, or plain
// on this host.
func checkPlace(u *url.URL) error {
	switch {
	case u.Host == "":
		return errors.New("it names no host")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https, which only a loopback host may be", shortened(u.Scheme+"://"+u.Host))
}

// Loopback reports whether a host, without a port, is this machine by its name or its address.
func Loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// maxShown is how much of a text that others chose is shown, in bytes.
const maxShown = 200

func shortened(text string) string {
	if len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return strings.ToValidUTF8(text, "")
}
