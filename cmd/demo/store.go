package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// putInStore changes the password in the secret store as an administrator should: a finished file takes the old one's place.
func (w *world) putInStore(password string) error {
	text, err := json.MarshalIndent(map[string]any{
		recordPath: map[string]string{"username": w.user.Name(), "secret": password, "integration_code": integrationCode},
		ssoPath:    map[string]string{"value": w.desk.secret},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the secret store: %w", err)
	}
	unfinished := w.path("secrets.json.new")
	if err := os.WriteFile(unfinished, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the secret store: %w", err)
	}
	if err := os.Rename(unfinished, w.path("secrets.json")); err != nil {
		return fmt.Errorf("replacing the secret store: %w", err)
	}
	return nil
}
