package caddymodule

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// Issuer is an OpenID provider. It is asked nothing before somebody needs it, so one that is down keeps no config from loading.
type Issuer struct {
	// URL is the issuer's, exactly as the provider writes it: https, or http on a loopback host. Required.
	URL string `json:"url,omitempty"`

	// ClientID is what the provider calls psagate. Required.
	ClientID string `json:"client_id,omitempty"`

	// ClientSecret is what psagate proves itself to the provider with. Default: none, for a public client.
	ClientSecret *SecretText `json:"client_secret,omitempty"`

	// Audience is whom access tokens of machines must be for. Default: none, and no token of a machine is taken.
	Audience string `json:"audience,omitempty"`

	// GroupsClaim is the claim that holds a person's groups; one inside of another is written outer.inner. Default: groups.
	GroupsClaim string `json:"groups_claim,omitempty"`

	// CA is a PEM file of the certificates that the provider's is verified with. Default: the system's.
	CA string `json:"ca,omitempty"`

	// MaxStale is for how long what is known of the provider serves while it cannot be asked. Default: 24h.
	MaxStale caddy.Duration `json:"max_stale,omitempty"`
}

// JWT is what an access token must say to prove which integration calls.
type JWT struct {
	// Issuer is the name of the issuer whose token it is.
	Issuer string `json:"issuer,omitempty"`

	// Claim is the name of a claim of the token's.
	Claim string `json:"claim,omitempty"`

	// Value is the text that the claim must be, or that its list must have. Upper and lower case differ.
	Value string `json:"value,omitempty"`
}

// checkIssuers says what is wrong with the issuers.
func (a *App) checkIssuers() error {
	for _, name := range slices.Sorted(maps.Keys(a.Issuers)) {
		i, path := a.Issuers[name], "issuer "+name
		if err := checkName(name); err != nil {
			return faultAt(path, "%w", err)
		}
		if i == nil || i.ClientID == "" {
			return faultAt(path, "the line `client_id <id>` is missing: it is what the provider calls psagate")
		}
		if err := issuer.CheckURL(i.URL); err != nil {
			return faultAt(path, "%w", err)
		}
		if i.MaxStale < 0 {
			return faultAt(path+" max_stale", "max_stale must be more than 0")
		}
		if i.ClientSecret != nil {
			if err := a.checkSecretText(path+" client_secret", i.ClientSecret); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkJWTs says what is wrong with an integration's tokens. holders are the integrations of those that were looked at before.
func (a *App) checkJWTs(name string, jwts []JWT, holders map[JWT]string) error {
	path := "integration " + name + " jwt"
	for _, j := range jwts {
		of, there := a.Issuers[j.Issuer]
		switch {
		case !there:
			return faultAt(path, "there is no issuer of that name; %s", defined(a.Issuers))
		case of.Audience == "":
			return faultAt(path, "issuer %s has no `audience <aud>`, so nobody could tell whom its tokens are for", j.Issuer)
		case j.Claim == "" || j.Value == "":
			return faultAt(path, "jwt takes an issuer, a claim, and the text that the claim must be")
		}
		switch holder, twice := holders[j]; {
		case twice && holder == name:
			return faultAt(path, "jwt %s %s %q is there twice", j.Issuer, j.Claim, shown(j.Value))
		case twice:
			return faultAt(path, "jwt %s %s %q: integration %s has it already, and a token must tell who calls", j.Issuer, j.Claim, shown(j.Value), holder)
		}
		holders[j] = name
	}
	return nil
}

// lentIssuer is an issuer at work, with the secret that it takes.
type lentIssuer struct {
	*issuer.Issuer
	key    string // what tells it from another that is asked elsewhere, or trusted otherwise
	secret *lentSecret
}

// knownIssuers are the issuers of the config that is in force, for the next one to take over what they know.
var knownIssuers sync.Map

// buildIssuers makes the issuers. It asks none, and reads no secret.
func (a *App) buildIssuers() error {
	a.issuers = make(map[string]*lentIssuer, len(a.Issuers))
	for _, name := range slices.Sorted(maps.Keys(a.Issuers)) {
		if err := a.buildIssuer(name, a.Issuers[name]); err != nil {
			return fmt.Errorf("issuer %s: %w", name, err)
		}
	}
	return nil
}

func (a *App) buildIssuer(name string, i *Issuer) (err error) {
	l := &lentIssuer{key: i.URL + " " + i.CA}
	a.issuers[name] = l // which is given back even if the rest of it cannot be built
	cfg := issuer.Config{
		Name: name, URL: i.URL, ClientID: i.ClientID, Audience: i.Audience, GroupsClaim: i.GroupsClaim, MaxStale: time.Duration(i.MaxStale), Log: slog.New(currentLog{}),
	}
	if cfg.CA, err = readCA(i.CA); err != nil {
		return err
	}
	if i.ClientSecret != nil {
		read := i.ClientSecret.placed
		if i.ClientSecret.Store != "" {
			store, err := openStore(i.ClientSecret.Store, a.stores)
			if err != nil {
				return err
			}
			l.secret = &lentSecret{store: store, key: storeKey(i.ClientSecret.Store, a.stores), path: i.ClientSecret.Path}
			read = i.ClientSecret.of(store)
		}
		cfg.ClientSecret = func(ctx context.Context) (secret.Value, error) {
			ctx, cancel := context.WithTimeout(ctx, reopenEvery)
			defer cancel()
			return read(ctx)
		}
	}
	if l.Issuer, err = issuer.New(cfg); err != nil {
		return err
	}
	if before, ok := knownIssuers.Load(l.key); ok {
		l.Adopt(before.(*issuer.Issuer))
	}
	return nil
}

// readCA reads a file of certificates; nil where none is named.
func readCA(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca: %s holds no certificate in PEM", path)
	}
	return pool, nil
}

// useIssuers has their secrets read from now on.
func (a *App) useIssuers() {
	for _, l := range a.issuers {
		knownIssuers.Store(l.key, l.Issuer)
		if l.secret != nil && l.secret.release == nil {
			l.secret.release = l.secret.store.Use(l.secret.path, nil)
		}
	}
}

// issuerStatuses are how the issuers stand.
func issuerStatuses(issuers map[string]*lentIssuer, now time.Time) (all []report.IssuerStatus) {
	for _, name := range slices.Sorted(maps.Keys(issuers)) {
		i := issuers[name].Issuer
		is := i.State()
		s := report.IssuerStatus{Name: name, URL: i.URL(), KeysSince: moment(is.Since), ServesUntil: moment(is.Until), TriedAt: moment(is.Tried)}
		if is.Problem != nil {
			s.Problem = shown(is.Problem.Error())
		}
		s.Judge(now)
		all = append(all, s)
	}
	return all
}

// dropIssuers gives back what the issuers held.
func (a *App) dropIssuers() {
	for _, l := range a.issuers {
		if l.Issuer != nil {
			l.Close()
		}
		if l.secret == nil {
			continue
		}
		if l.secret.release != nil {
			l.secret.release()
		}
		if _, err := stores.Delete(l.secret.key); err != nil {
			slog.New(currentLog{}).Error("a secret store cannot be closed", "error", err)
		}
	}
	a.issuers = nil
}

// prover is who looks at the tokens of machines; nil where no integration has one.
func (a *App) prover() identity.Prover {
	var all []*issuer.Issuer
	for _, name := range slices.Sorted(maps.Keys(a.issuers)) {
		if a.Issuers[name].Audience != "" {
			all = append(all, a.issuers[name].Issuer)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return issuer.NewProver(all...)
}
