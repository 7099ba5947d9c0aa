package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/secret"
)

func fields(pairs ...string) map[string]secret.Value {
	all := map[string]secret.Value{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = secret.NewValue(pairs[i+1])
	}
	return all
}

func TestEachFieldOfARecordIsAKeysOrAProblem(t *testing.T) {
	good, second, key := newKey(t).Hash(), newKey(t).Hash(), newKey(t)
	hashes, problems := FromRecord(fields(
		good.ID(), good.String(),
		second.ID(), "sha256:"+strings.ToUpper(second.String()[7:]),
		"a-name", good.String(),
		strings.ToUpper("abcdef01"), "hunter2",
		"1b", key.Reveal(),
		key.Reveal(), key.Hash().String(),
		strings.Repeat("x", 100), key.Hash().String(),
	))
	if want := []Hash{good, second}; len(hashes) != 2 || !slices.Contains(hashes, want[0]) || !slices.Contains(hashes, want[1]) {
		t.Errorf("hashes %v", hashes)
	}
	want := []string{
		`field "1b": this is a key, not its hash`,
		`field "ABCDEF01": a key's hash begins with sha256:`,
		`field "a-name" holds the hash of key ` + good.ID() + `: give the field that name, which is the key's id`,
		`field that is named by a key itself holds the hash of key ` + key.Hash().ID(),
		`field that begins with "xxxxxxxx" holds the hash of key`,
	}
	if len(problems) != len(want) {
		t.Fatalf("problems:\n%s", strings.Join(problems, "\n"))
	}
	for i, p := range problems {
		if !strings.HasPrefix(p, want[i]) || strings.Contains(p, key.Reveal()) || strings.Contains(p, "hunter2") {
			t.Errorf("got %s, want %s", p, want[i])
		}
	}
}

func TestAKeyIsInARecordUnderItsIdAlone(t *testing.T) {
	hash, other := newKey(t).Hash(), newKey(t).Hash()
	for name, test := range map[string]struct {
		fields map[string]secret.Value
		want   bool
	}{
		"its own field":        {fields(hash.ID(), hash.String()), true},
		"another field":        {fields("x", hash.String()), false},
		"its field of another": {fields(hash.ID(), other.String()), false},
		"its field damaged":    {fields(hash.ID(), "sha256:"), false},
		"no field":             {nil, false},
	} {
		if got := InRecord(test.fields, hash); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzFromRecord: whatever a field holds, it is a key's hash under the key's id or one problem that does not show it.
func FuzzFromRecord(f *testing.F) {
	f.Add("89f67245", goldenHash)
	f.Add("89f67245", goldenKey)
	f.Add(goldenKey, goldenHash)
	f.Add("", "")
	f.Fuzz(func(t *testing.T, name, value string) {
		hashes, problems := FromRecord(fields(name, value))
		if len(hashes)+len(problems) != 1 {
			t.Fatalf("%v, %v", hashes, problems)
		}
		if len(hashes) == 1 && (hashes[0].ID() != name || !strings.EqualFold(hashes[0].String(), value) || !InRecord(fields(name, value), hashes[0])) {
			t.Errorf("%q: %q became %v", name, value, hashes)
		}
		if len(problems) == 1 && len(value) > 40 && !strings.Contains(name, value) && strings.Contains(problems[0], value) {
			t.Errorf("the problem shows the content: %s", problems[0])
		}
	})
}
