package autotask

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// CanonicalUser returns a PSA user's name in the one spelling by which logins are told apart: trimmed, in Unicode
// normal form C, case-folded. Two budgets for one user would let it be locked, so spellings that the PSA might take for
// one user become one.
func CanonicalUser(name string) string {
	name = norm.NFC.String(strings.TrimSpace(name))
	// The tables swap the two cases of Cherokee instead of making them one, hence the second step. Folding can take a
	// name out of normal form, hence the third.
	return norm.NFC.String(strings.ToLower(cases.Fold().String(name)))
}
