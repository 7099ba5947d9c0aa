package e2e

import (
	"context"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/vaulttest"
)

// withVault starts a Vault that speaks HTTPS, with a certificate of an authority.
func (e *example) withVault(ca *vaulttest.CA) {
	e.Helper()
	e.vault = vaulttest.Start(e.T, vaulttest.HTTPS(ca))
	e.set("VAULT_ADDR=" + e.vault.URL)
}

// credential is a login's record.
func credential(user, password string) map[string]any {
	return map[string]any{"username": user, "secret": password, "integration_code": code}
}

// hashes is a record with keys.
func hashes(keys ...identity.Key) map[string]any {
	record := map[string]any{}
	for _, key := range keys {
		record[key.Hash().ID()] = key.Hash().String()
	}
	return record
}

// vaultCommand is a command of Vault's in the header of an example; a line that ends with \ goes on.
var vaultCommand = regexp.MustCompile(`(?m)^ {2}vault ((?:.*\\\n)*.*)$`)

// operator does in Vault what the header of an example says, and puts what is real in place of what the header can only
// hint at.
type operator struct {
	*example
	file string
	// real are fields by the path that they are written to.
	real map[string]map[string]any
}

// followsTheHeader runs the commands of the header of an example.
func (o operator) followsTheHeader() {
	o.Helper()
	commands := vaultCommand.FindAllStringSubmatch(exampleHeader(exampleText(o.T, o.file)), -1)
	for _, c := range commands {
		o.runs(strings.Fields(strings.ReplaceAll(c[1], "\\\n", " ")))
	}
	if len(commands) < 4 || len(o.real) > 0 {
		o.Fatalf("%d commands in the header of %s, and nothing is written to %q", len(commands), o.file, slices.Collect(maps.Keys(o.real)))
	}
}

func (o operator) runs(words []string) {
	o.Helper()
	switch what := strings.Join(words[:2], " "); {
	case what == "policy write" && len(words) == 4:
		o.vault.Policy(words[2], exampleText(o.T, filepath.Join(filepath.Dir(o.file), words[3])))
	case what == "auth enable" && len(words) == 3:
		o.vault.EnableAuth(words[2])
	case what == "kv put" && words[2] == "-mount=kv":
		o.vault.Put(words[3], o.fields(words[3], words[4:]))
	case words[0] == "write":
		o.writes(words[1:])
	default:
		o.Fatalf("this test does not know `vault %s`", strings.Join(words, " "))
	}
}

// writes is `vault write [-f] [-field=<name>] <path> <name>=<value>... [> <file>]`.
func (o operator) writes(words []string) {
	o.Helper()
	field, file := "", ""
	for strings.HasPrefix(words[0], "-") {
		if name, ok := strings.CutPrefix(words[0], "-field="); ok {
			field = name
		}
		words = words[1:]
	}
	if at := slices.Index(words, ">"); at >= 0 {
		file, words = words[at+1], words[:at]
	}
	secret, err := o.vault.Client().Logical().WriteWithContext(context.Background(), words[0], o.fields(words[0], words[1:]))
	if err != nil {
		o.Fatal(err)
	}
	if file != "" {
		o.keeps(file, secret.Data[field].(string))
	}
}

// keeps puts a secret into the file in which psagate reads it.
func (o operator) keeps(file, text string) {
	o.Helper()
	name, found := strings.CutPrefix(file, "/etc/psagate/")
	if !found {
		o.Fatalf("psagate looks for no file at %s", file)
	}
	o.hide("the content of "+name, text)
	o.mayHold = append(o.mayHold, name)
	o.write(name, text)
}

// fields are those of a command, with what is real in the place of hints, which end with dots.
func (o operator) fields(path string, words []string) map[string]any {
	o.Helper()
	all, hints := map[string]any{}, []string(nil)
	for _, word := range words {
		switch name, value, _ := strings.Cut(word, "="); {
		case value == "sha256:"+name+"...": // the id of any key
		case strings.HasSuffix(value, "..."):
			hints = append(hints, name)
		default:
			all[name] = value
		}
	}
	maps.Copy(all, o.real[path])
	delete(o.real, path)
	for _, name := range hints {
		if all[name] == nil {
			o.Errorf("%s: the field %s is hinted at, and this test knows nothing real for it", path, name)
		}
	}
	return all
}
