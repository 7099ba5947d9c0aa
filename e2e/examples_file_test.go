package e2e

import (
	"encoding/json"
	"path/filepath"

	"github.com/psagate/psagate/internal/identity"
)

// smallest follows its header: the file is the one beside it with a credential in it, the key is what `key new` prints.
func (e *example) smallest() {
	e.copiesSecrets()
	e.makesKey("itglue")
	e.serve(e.plain())
	e.served("itglue")
	e.turnsAway(e.plain(), "nobody")
	e.isWell([]string{"login main: serving", "version 1 serves", "5 of 5 free", "store file (file): 1 record in use"}, "plain-http")

	e.user.SetSecret(newPassword)
	e.save(newPassword)
	e.served("itglue")
	e.says("status", 0, "version 2 serves")
	e.unharmed(2)
}

// copiesSecrets copies the example's file, and puts the world's credential in.
func (e *example) copiesSecrets() {
	e.Helper()
	var file map[string]map[string]string
	if err := json.Unmarshal([]byte(exampleText(e.T, filepath.Join(e.folder, "secrets.json"))), &file); err != nil {
		e.Fatal(err)
	}
	fields := map[string]string{"username": user, "secret": oldPassword, "integration_code": code}
	for _, record := range file {
		for name := range record {
			if record[name] = fields[name]; record[name] == "" {
				e.Errorf("secrets.json has a field %q", name)
			}
		}
	}
	text, err := json.Marshal(file)
	if err != nil {
		e.Fatal(err)
	}
	e.write(secretsFile, string(text))
}

// makesKey makes a key with `psagate key new`, and puts its hash where the Caddyfile has it.
func (e *example) makesKey(integration string) {
	e.Helper()
	var made struct{ Key, Caddyfile string }
	out, status := e.runUnheard("key", "new", integration, "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || status != 0 {
		e.Fatalf("exit status %d, %v", status, err)
	}
	key, err := identity.ParseKey(made.Key)
	if err != nil {
		e.Fatal(err)
	}
	e.integration(integration, key)
	e.set("ITGLUE_KEY=" + key.Hash().String())
}
