package identity

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Caller is who a call comes from.
type Caller struct {
	// Integration is nil in an error's Caller.
	Integration *Integration
	// KeyID is the id of the key presented, the unknown one's too, so that a log can tell which one it was. Where there
	// is no key it is that of the JWT or of the client certificate: "jwt:" and the first 8 hex digits of the SHA-256 of its issuer and
	// subject, so that all tokens of one program have one; "cert:" and those of its SHA-256.
	KeyID string
	// Brings: the caller is who he is by the PSA credential that the call brings, which is to be used, and its proof.
	Brings bool
	// UserDiffers: a user name was presented beside the key that is not the integration's name. For the log alone.
	UserDiffers bool
	// Refused is whose proof was good, where the call is refused all the same: ErrWrongNetwork, ErrExpired, ErrDisabled.
	Refused *Integration
	// Subject is the certificate's, as RFC 2253 text, cut off at 256 bytes, where the refusal is about one or it was good
	// beside a key that was not.
	Subject string
	// Issuer is the name, in the config, of the issuer that the JWT is of, or says it is of where it is not good. Empty where there is no
	// JWT, or of none of them.
	Issuer string
	// Why says more of a JWT that is not good, for the log. It shows nothing of it that is secret.
	Why string
}

// Elsewhere finds the integration that a key belongs to which is not in the book. Its errors are ErrUnknown and
// ErrUnavailable.
type Elsewhere func(Hash) (*Integration, error)

// Book finds integrations by key and by client certificate. It never changes, and may be read by any number of callers.
type Book struct {
	byHash    map[Hash]page
	byCert    map[certName]*Integration
	byClaim   claims
	byUser    map[string][]*Integration // by the PSA users whose credentials their callers bring
	elsewhere Elsewhere
}

type page struct {
	hash        Hash
	id          string
	integration *Integration
}

// NewBook returns a book of the integrations, which must not be changed any more; elsewhere (nil: nowhere) is asked for
// the keys that it does not have. Two integrations of one name, a key or a certificate that is named twice, and what can
// name no certificate are errors, and the error tells all of them.
func NewBook(integrations []Integration, elsewhere Elsewhere) (*Book, error) {
	b := &Book{byHash: map[Hash]page{}, byCert: map[certName]*Integration{}, byClaim: claims{}, byUser: map[string][]*Integration{}, elsewhere: elsewhere}
	names := map[string]bool{}
	var problems []error
	for i := range integrations {
		integration := &integrations[i]
		if names[integration.Name] {
			problems = append(problems, fmt.Errorf("two integrations are named %q: rename one", integration.Name))
		}
		names[integration.Name] = true
		for _, hash := range integration.Keys {
			problems = append(problems, b.add(hash, integration))
		}
		for _, cert := range integration.Certs {
			problems = append(problems, b.addCert(cert, integration))
		}
		for _, jwt := range integration.JWTs {
			problems = append(problems, b.byClaim.add(jwt, integration))
		}
		problems = append(problems, b.addUsers(integration))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Book) add(hash Hash, integration *Integration) error {
	held, twice := b.byHash[hash]
	switch {
	case !twice:
		b.byHash[hash] = page{hash: hash, id: hash.ID(), integration: integration}
		return nil
	case held.integration == integration:
		return fmt.Errorf("integration %q names key %s twice: remove one", integration.Name, held.id)
	default:
		return fmt.Errorf("integrations %q and %q both have key %s: make a key for each", held.integration.Name, integration.Name, held.id)
	}
}

func (b *Book) addCert(text string, integration *Integration) error {
	name, err := parseCertName(text)
	if err != nil {
		return fmt.Errorf("integration %q: client certificate %q %w", integration.Name, text, err)
	}
	held, twice := b.byCert[name]
	switch {
	case !twice:
		b.byCert[name] = integration
		return nil
	case held == integration:
		return fmt.Errorf("integration %q names client certificate %q twice: remove one", integration.Name, text)
	default:
		return fmt.Errorf("integrations %q and %q both have client certificate %q: a certificate can be proof of one alone", held.Name, integration.Name, text)
	}
}

// HolderOf returns the integration that the book itself gives a key to, or nil.
func (b *Book) HolderOf(hash Hash) *Integration { return b.byHash[hash].integration }

// Identify returns who presented a key or a client certificate from an address, the zero Addr for one that is not known,
// at a time. Its errors are Reasons.
//
// Its time says nothing about the keys. What is looked up is the SHA-256 of what was presented: to steer how much of
// it agrees with an entry, a caller would have to find texts whose hash begins as that of a key unknown to him does,
// and even the whole hash would not give him the key. The map's own hash is seeded per process, its size costs
// nothing, and the entry that it finds is compared in constant time.
func (b *Book) Identify(p Presented, address netip.Addr, now time.Time) (Caller, error) {
	caller, err := b.named(p, address, now)
	caller.Issuer = p.proof.issuer()
	if err != nil {
		return caller, err
	}
	if err := caller.Integration.refusal(address, now); err != nil {
		return Caller{KeyID: caller.KeyID, Issuer: caller.Issuer, Refused: caller.Integration}, err
	}
	return caller, nil
}

// named returns whom the proofs name, wherever they come from. A certificate alone is enough; beside it, what is no key
// does not count. Beside a key an unknown certificate does not count, for a proxy in front may have one of its own. A key
// that is wrong is wrong beside any certificate, and two proofs that name two integrations are none.
//
// A call without a key that brings a PSA credential of its own is the integration's that lists its user; where its certificate's
// integration lists users, and not this one, it is nobody's.
func (b *Book) named(p Presented, address netip.Addr, now time.Time) (Caller, error) {
	byKey, keyErr := b.byKeyOrToken(p)
	byCert, certErr := b.byCertificate(p.cert, now)
	foreign := keyErr == ErrNotAKey //nolint:errorlint // byKey returns plain Reasons
	noKey := foreign || keyErr == ErrNoCredentials
	if own := b.byOwn(p, byCert, address); own != nil && (certErr == nil || certErr == ErrUnknownCertificate) { //nolint:errorlint // plain Reasons
		return Caller{Integration: own, KeyID: p.cert.label(), Brings: true}, nil
	}
	switch {
	case foreign && byCert != nil && p.brings != "" && len(byCert.PassThrough) > 0: // as a user that is not listed
		return Caller{KeyID: p.cert.label(), Subject: p.cert.subject()}, ErrNotAKey
	case noKey && byCert != nil:
		return Caller{Integration: byCert, KeyID: p.cert.label()}, nil
	case noKey && (certErr == nil || foreign && certErr == ErrUnknownCertificate):
		return Caller{}, keyErr
	case noKey:
		return Caller{KeyID: p.cert.label(), Subject: p.cert.subject()}, certErr
	case keyErr != nil && byCert != nil:
		return Caller{KeyID: p.proofID(), Subject: p.cert.subject(), Why: p.why()}, keyErr
	case keyErr != nil:
		return Caller{KeyID: p.proofID(), Why: p.why()}, keyErr
	case certErr == ErrConflictingCertificate || byCert != nil && byCert != byKey.integration:
		return Caller{KeyID: byKey.id, Subject: p.cert.subject()}, ErrConflictingCertificate
	}
	return Caller{Integration: byKey.integration, KeyID: byKey.id, UserDiffers: differs(p.Users, byKey.integration.Name)}, nil
}

// byKeyOrToken returns whom the key names, or the JWT where there is no key.
func (b *Book) byKeyOrToken(p Presented) (page, error) {
	byKey, keyErr := b.byKey(p)
	if p.proof == nil {
		return byKey, keyErr
	}
	byToken, tokenErr := b.byClaim.named(p.proof)
	switch {
	case keyErr == ErrNotAKey || keyErr == ErrNoCredentials: //nolint:errorlint // byKey returns plain Reasons
		return page{id: p.proof.id(), integration: byToken}, tokenErr
	case keyErr != nil:
		return byKey, keyErr
	case tokenErr == ErrConflictingToken || tokenErr == nil && byToken != byKey.integration: //nolint:errorlint // plain Reasons
		return page{}, ErrConflictingToken
	}
	return byKey, nil
}

func (b *Book) byKey(p Presented) (page, error) {
	switch {
	case p.err != nil:
		return page{}, p.err
	case !p.hasKey:
		return page{}, ErrNoCredentials
	}
	found := b.byHash[p.hash]
	if same := subtle.ConstantTimeCompare(found.hash[:], p.hash[:]) == 1; same && found.integration != nil {
		return found, nil
	}
	if b.elsewhere == nil {
		return page{}, ErrUnknown
	}
	integration, err := b.elsewhere(p.hash)
	if err != nil {
		return page{}, err
	}
	return page{hash: p.hash, id: p.hash.ID(), integration: integration}, nil
}

// byCertificate returns nil and no error where there is no certificate.
func (b *Book) byCertificate(c certificate, now time.Time) (*Integration, error) {
	if c.leaf == nil {
		return nil, nil
	}
	var named []*Integration
	for _, name := range c.names() {
		if i := b.byCert[name]; i != nil && !slices.Contains(named, i) {
			named = append(named, i)
		}
	}
	switch {
	case !c.verified && named == nil:
		return nil, nil
	case !c.verified:
		return nil, ErrUnverifiedCertificate
	case named == nil:
		return nil, ErrUnknownCertificate
	case len(named) > 1:
		return nil, ErrConflictingCertificate
	case now.Before(c.leaf.NotBefore) || now.After(c.leaf.NotAfter):
		return nil, ErrExpiredCertificate
	}
	return named[0], nil
}

func differs(users []string, name string) bool {
	for _, user := range users {
		if !strings.EqualFold(strings.TrimSpace(user), name) {
			return true
		}
	}
	return false
}
