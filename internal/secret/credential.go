package secret

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/psagate/psagate/internal/nearest"
)

// Credential is a login's secret material, all of one version of its record.
type Credential struct {
	// UserName is the PSA user, as the record writes it.
	UserName string
	// Secret is the user's password, IntegrationCode the API tracking identifier.
	Secret, IntegrationCode Value
	// Zone is the base URL that the record names; empty: to be discovered.
	Zone string
	// Impersonate is the record's field of that name; empty: none.
	Impersonate string
	// Version is the record's.
	Version uint64
}

// The fields of a login's record, and whether they must be there.
var credentialFields = map[string]bool{
	"username": true, "secret": true, "integration_code": true,
	"zone": false, "impersonate": false,
}

// CredentialFrom decodes a login's record. Its error names each field that is missing, empty, unknown or damaged by
// copying, and no contents.
func CredentialFrom(r Record) (Credential, error) {
	if problems := credentialProblems(r.Fields); len(problems) > 0 {
		return Credential{}, fmt.Errorf("record %q, version %d: %s", r.Path, r.Version, strings.Join(problems, "; "))
	}
	return Credential{
		UserName:        r.Fields["username"].Reveal(),
		Secret:          r.Fields["secret"],
		IntegrationCode: r.Fields["integration_code"],
		Zone:            r.Fields["zone"].Reveal(),
		Impersonate:     r.Fields["impersonate"].Reveal(),
		Version:         r.Version,
	}, nil
}

func credentialProblems(fields map[string]Value) (problems []string) {
	for _, name := range slices.Sorted(maps.Keys(credentialFields)) {
		value, there := fields[name]
		if problem := textProblem(value.Reveal()); there && problem != "" {
			problems = append(problems, fmt.Sprintf("field %q %s", name, problem))
		}
		if required := credentialFields[name]; required && !there {
			problems = append(problems, fmt.Sprintf("field %q is missing", name))
		}
	}
	if value, there := fields["impersonate"]; there && !isNumber(value.Reveal()) {
		problems = append(problems, "field \"impersonate\" is no resource id: give a whole number")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, known := credentialFields[name]; !known {
			problems = append(problems, fmt.Sprintf("field %q is unknown%s", name, didYouMean(name, credentialFields)))
		}
	}
	return problems
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 63)
	return err == nil
}

// didYouMean returns " (did you mean "x"?)" for the known name nearest to the wrong one, or "" if none is near.
func didYouMean[V any](wrong string, known map[string]V) string {
	if name, near := nearest.Word(wrong, slices.Sorted(maps.Keys(known))); near {
		return fmt.Sprintf(" (did you mean %q?)", name)
	}
	return ""
}

// textProblem returns what copying did to a text, or nothing. Each of these would be a failed sign-in.
func textProblem(text string) string {
	invisible := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	switch {
	case text == "":
		return "is empty"
	case strings.TrimRight(text, "\r\n") != text:
		return "ends with a line break"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a space"
	case strings.ContainsFunc(text, invisible):
		return "holds a control or invisible character"
	default:
		return ""
	}
}
