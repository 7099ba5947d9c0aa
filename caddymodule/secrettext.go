package caddymodule

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/secret"
)

// SecretText is a secret that an option takes: a field of a record, or what a file or an environment variable holds.
// It is found anew each time it is needed, so that it may be rotated. The secret itself is in no config.
type SecretText struct {
	// Placeholder is {env.NAME} or {file.PATH}, and nothing else beside it.
	Placeholder string `json:"placeholder,omitempty"`

	// Store is the name of the store that holds the record.
	Store string `json:"store,omitempty"`

	// Path is the record's path within the store.
	Path string `json:"path,omitempty"`

	// Field is the record's field. Default: the only one, else value.
	Field string `json:"field,omitempty"`
}

// secretPlaceholder matches the placeholders that a secret may be: the config holds them as they are. What has a default,
// or names a file without a folder, may be the secret itself.
var secretPlaceholder = regexp.MustCompile(`^\{(env\.[A-Za-z_][A-Za-z0-9_]*|file\.[^{}]*[/\\][^{}]*)\}$`)

// secretForms says how a secret is written.
const secretForms = "`secret <store> <path> [<field>]`, {file.PATH} or {env.NAME}"

// parseSecretText reads what follows a word that takes a secret. Its errors never show what was written instead.
func parseSecretText(args []string) (*SecretText, error) {
	switch {
	case len(args) == 0:
		return nil, fmt.Errorf("a secret is missing: write %s", secretForms)
	case args[0] == "secret" && (len(args) == 3 || len(args) == 4):
		s := &SecretText{Store: args[1], Path: args[2]}
		if len(args) == 4 {
			s.Field = args[3]
		}
		return s, nil
	case args[0] == "secret" && len(args) > 1:
		return nil, fmt.Errorf("secret takes <store> <path> [<field>], and has %d arguments", len(args)-1)
	case len(args) > 1:
		return nil, fmt.Errorf("there are %d arguments where one secret is taken: write %s", len(args), secretForms)
	}
	s := &SecretText{Placeholder: args[0]}
	return s, s.check()
}

// check says what is wrong with the naming of a secret.
func (s *SecretText) check() error {
	switch {
	case s.Store != "" && s.Path != "" && s.Placeholder == "":
		if problem := secret.PathProblem(s.Path); problem != "" {
			return fmt.Errorf("the record's path %s", problem)
		}
		return nil
	case s.Store != "" || s.Path != "" || s.Field != "":
		return fmt.Errorf("a secret of a store is named by its store, its path and if need be its field, without a placeholder")
	case secretPlaceholder.MatchString(s.Placeholder):
		return nil
	}
	return fmt.Errorf("the secret itself must not be in a config, and {$NAME} would put it there: write %s", secretForms)
}

// key tells two secrets apart without holding one.
func (s *SecretText) key() string {
	if s == nil {
		return ""
	}
	return strings.Join([]string{s.Placeholder, s.Store, s.Path, s.Field}, " ")
}

// placed gives what the placeholder stands for now.
func (s *SecretText) placed(context.Context) (secret.Value, error) {
	text, err := caddy.NewReplacer().ReplaceOrErr(s.Placeholder, true, true)
	if err != nil {
		return secret.Value{}, fmt.Errorf("%s is empty, or cannot be read", s.Placeholder)
	}
	return secret.NewValue(strings.TrimRight(text, "\r\n")), nil
}

// of gives the secret's field of a record in a store that reads it.
func (s *SecretText) of(store *secret.Store) secret.Func {
	return func(ctx context.Context) (secret.Value, error) {
		record, err := store.Wait(ctx, s.Path)
		if err != nil {
			return secret.Value{}, err
		}
		return record.Field(s.Field)
	}
}
