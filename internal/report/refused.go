package report

import "fmt"

// adviseOnRefused says what to do about a login of which the PSA refused every credential that is known, in status and in failures
// alike. newest is the store's, bringer who brought the last one where callers do.
func adviseOnRefused(login string, newest *CredentialStatus, bringer string) string {
	if PassesThrough(login) {
		return fmt.Sprintf("Give %s the password that the PSA has now: callers bring their own, and the PSA refused the last one. Where the right one is not tried any more: psagate release %s", or(bringer, "its callers"), login)
	}
	put := "psagate secret put " + login
	byHand := ", or by hand in the store if it is one of the last five there"
	switch {
	case fellUnprovoked(newest):
		return fmt.Sprintf("See in the PSA whether the user is locked: if so, unlock it and run psagate release %s; if its password was changed, run: %s", login, put)
	case newest != nil && newest.Elsewhere:
		return fmt.Sprintf("Give all replicas the password that the PSA has now: it refused %s, and this process has not read that. For its own store: %s", newest.called(), put)
	case newest != nil && newest.AcceptedAt == nil:
		return fmt.Sprintf("Correct version %d, which the PSA has not taken once as far as is known: %s", newest.Version, put+byHand)
	}
	return "Save the password that the PSA has now: " + put + byHand
}

// fellUnprovoked reports whether the PSA refuses what it took, and the store has nothing newer.
func fellUnprovoked(newest *CredentialStatus) bool {
	return newest != nil && newest.State == "refused" && newest.AcceptedAt != nil && !newest.Elsewhere
}

// bringer is who brought the secret that was refused last; empty where none was.
func (l LoginStatus) bringer() string {
	for _, b := range l.Brought {
		if b.State == "refused" {
			return whoAt(b.Integration, b.Client)
		}
	}
	return ""
}

// whoAt names an integration, and where it calls from.
func whoAt(integration, client string) string {
	if client == "" {
		return integration
	}
	return fmt.Sprintf("%s (at %s)", integration, client)
}
