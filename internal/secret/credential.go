package secret

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

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

// CredentialFrom decodes a login's record. Its error names each field that is missing, empty or damaged by copying, and
// no contents. People keep notes beside a credential, so a field of another name is nobody's business, unless it looks
// like the misspelt name of a field that the record lacks.
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
		if !there {
			problems = append(problems, absenceProblem(name, fields)...)
		}
	}
	if value, there := fields["impersonate"]; there && !isNumber(value.Reveal()) {
		problems = append(problems, "field \"impersonate\" is no resource id: give a whole number")
	}
	return problems
}

// absenceProblem returns what is wrong about a known field that a record has not, if anything.
func absenceProblem(name string, fields map[string]Value) []string {
	meant := misspelt(name, fields)
	// "note" and "phone" are near to "zone", so what need not be there is missed only where the first letter is the same.
	sameStart := strings.HasPrefix(strings.ToLower(meant), name[:1])
	switch required := credentialFields[name]; {
	case required && meant != "":
		return []string{fmt.Sprintf("field %q is missing (there is %q: did you mean %q?)", name, meant, name)}
	case required:
		return []string{fmt.Sprintf("field %q is missing", name)}
	case sameStart:
		return []string{fmt.Sprintf("field %q is unknown (did you mean %q?)", meant, name)}
	default:
		return nil
	}
}

// misspelt returns the unknown field that may have been meant to be the known one, or nothing.
func misspelt(name string, fields map[string]Value) string {
	for _, candidate := range slices.Sorted(maps.Keys(fields)) {
		_, known := credentialFields[candidate]
		if _, near := nearest.Word(strings.ToLower(candidate), []string{name}); near && !known {
			return candidate
		}
	}
	return ""
}

// isNumber takes numbers as the PSA writes them: another form of the same one would be refused when it is to be sent.
func isNumber(text string) bool {
	n, err := strconv.ParseUint(text, 10, 63)
	return err == nil && strconv.FormatUint(n, 10) == text
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
	case strings.ContainsRune(text, utf8.RuneError):
		return "holds a replacement character; its text is damaged"
	default:
		return ""
	}
}
