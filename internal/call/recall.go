package call

import (
	"context"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// After a restart, or by the word of another replica, the tables may say that an older version serves than the one that the
// store has: the PSA has not taken over yet what the store says. That version is looked for among those that the store still has.

// recall finds the credential that serves, or served last, where this process does not know it. Callers wait meanwhile.
// Called with the mutex held.
func (n *lane) recall(s *seat, st guard.Status) {
	missing := st.Serving
	if missing.IsZero() {
		missing = st.Last
	}
	if missing.IsZero() || n.shared.wallet.get(s.guard.Key(), missing) != nil || s.recalled == missing {
		return
	}
	s.recalled = missing
	release := s.guard.Hold()
	n.calls++
	go func() {
		defer n.leave()
		defer release()
		if n.remembers(s, missing) {
			return
		}
		if st.Serving != missing {
			return
		}
		lost, err := s.guard.Lose(missing)
		n.sayMissing(lost, err)
	}()
}

// sayMissing tells what follows where what serves is not in this process's store. Whether another replica had read it, or this
// one before a restart, the tables do not tell.
func (n *lane) sayMissing(lost bool, err error) {
	const what = "the credential that serves was accepted by another replica, or before a restart, and is not in this process's store: "
	switch {
	case err != nil:
		n.log.Error(what+"it cannot be given up", "store", n.Store, "error", err)
	case lost:
		n.log.Warn(what+"the newest one has to serve", "store", n.Store)
	default:
		n.log.Warn(what+"the replicas that have it go on with it; give all the same secret", "store", n.Store)
	}
}

// remembers looks for a credential among the versions that the store still has.
func (n *lane) remembers(s *seat, missing guard.Fingerprint) bool {
	ctx, cancel := context.WithTimeout(context.Background(), writePatience)
	defer cancel()
	versions, err := n.store.History(ctx, n.Path, comparedWith)
	if err != nil {
		n.log.Warn("earlier versions of the login's record cannot be read", "store", n.Store, "error", err)
		return false
	}
	for _, rec := range versions {
		if cred, err := secret.CredentialFrom(rec); err == nil && n.shared.fingerprint(cred) == missing {
			n.shared.wallet.put(s.guard.Key(), missing, cred, rec.ReadAt)
			return true
		}
	}
	return false
}

// fingerprint returns the fingerprint of a credential.
func (s *Shared) fingerprint(c secret.Credential) guard.Fingerprint {
	return s.guard.Fingerprint(autotask.CanonicalUser(c.UserName), c.Secret.Reveal(), c.IntegrationCode.Reveal())
}

// formerFingerprint returns what it was before the installation's key was replaced; zero where it was not.
func (s *Shared) formerFingerprint(c secret.Credential) guard.Fingerprint {
	return s.guard.FormerFingerprint(autotask.CanonicalUser(c.UserName), c.Secret.Reveal(), c.IntegrationCode.Reveal())
}
