package psatest

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// User is one API user of a tenant, with the one counter of failed sign-ins that locks it.
type User struct {
	sim    *Sim
	tenant *Tenant
	name   string // canonical
	id     int64  // of its Resource

	// guarded by sim.mu
	code    digest
	secrets []digest // every secret set or presented; a secret's number is its index + 1
	set     []int    // numbers of those that were ever this user's, in the order of setting
	failed  int
	most    int
	locked  bool

	failedWeb int      // the web pages' count, where they have one apart
	web       *WebUser // nil: for the API alone
}

// digest stands for a secret, which is kept nowhere: what is not there cannot be printed.
type digest [sha256.Size]byte

func digested(secret string) digest { return sha256.Sum256([]byte(secret)) }

// canonical is what the PSA knows a user by.
func canonical(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Name is the user's name as the ledger has it: trimmed, in lower case.
func (u *User) Name() string { return u.name }

// String is the user's name.
func (u *User) String() string { return u.name }

// SetSecret changes the user's secret. The old one is refused from now on, and shown as "previous".
func (u *User) SetSecret(secret string) {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	u.set = append(u.set, u.number(secret))
}

// SetIntegrationCode changes the tracking identifier that must come with the secret.
func (u *User) SetIntegrationCode(code string) {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	u.code = digested(code)
}

// Unlock is the administrator's: the tick goes, the count is zero.
func (u *User) Unlock() {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	u.locked, u.failed, u.failedWeb = false, 0, 0
}

// Locked tells whether every sign-in is refused until Unlock.
func (u *User) Locked() bool {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	return u.locked
}

// FailedSinceSuccess is the counter that locks the user: failed sign-ins since the last success or Unlock
// (since the last Unlock alone where the tenant does not reset on success). Sign-ins refused because the user
// is locked count on.
func (u *User) FailedSinceSuccess() int {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	return u.failed
}

// MaxFailedSinceSuccess is the highest value that FailedSinceSuccess ever had.
func (u *User) MaxFailedSinceSuccess() int {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	return u.most
}

// number returns the secret's number, giving it one if it is new. Called with sim.mu held.
func (u *User) number(secret string) int {
	d := digested(secret)
	if i := slices.Index(u.secrets, d); i >= 0 {
		return i + 1
	}
	u.secrets = append(u.secrets, d)
	return len(u.secrets)
}

// present says what the secret is to the user now. Called with sim.mu held.
func (u *User) present(secret string) Presented {
	if secret == "" {
		return Presented{Standing: SecretNone}
	}
	n := u.number(secret)
	switch {
	case n == u.set[len(u.set)-1]:
		return Presented{n, SecretCurrent}
	case slices.Contains(u.set, n):
		return Presented{n, SecretPrevious}
	}
	return Presented{n, SecretUnknown}
}

// count moves the user's counter by one judged sign-in. Called with sim.mu held.
func (u *User) count(ok, burns bool) {
	switch {
	case ok && u.tenant.resets:
		u.failed = 0
	case !ok && burns:
		u.failed++
		u.most = max(u.most, u.failed)
		u.locked = u.locked || u.failed >= u.tenant.threshold
	}
}
