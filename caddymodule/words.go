package caddymodule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/psagate/psagate/internal/nearest"
)

// word is one word of the Caddyfile with the arguments and the block that may follow it.
//
// Its errors name the word and never its arguments: one of them may be a secret that was put in the wrong place.
type word struct {
	d    *caddyfile.Dispenser
	name string
	// token is where the word stands.
	token caddyfile.Token
}

// words are the words of a block, each with what reads it.
type words map[string]func(*word) error

// at returns the word that the dispenser stands on.
func at(d *caddyfile.Dispenser) *word { return &word{d: d, name: d.Val(), token: d.Token()} }

// errorf returns an error with the word's file and line.
func (w *word) errorf(format string, args ...any) error { return errorAt(w.token, format, args...) }

// errorAt returns an error with the file and line of a token.
func errorAt(token caddyfile.Token, format string, args ...any) error {
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d.Errf(format, args...)
}

// args returns the word's arguments, which are as many as they have names.
func (w *word) args(names ...string) ([]string, error) {
	got := w.d.RemainingArgs()
	if len(got) != len(names) {
		return nil, w.errorf("%s takes %s, and has %d arguments", w.name, strings.Join(names, " "), len(got))
	}
	return got, nil
}

// list returns the word's arguments, at least one.
func (w *word) list(name string) ([]string, error) {
	got := w.d.RemainingArgs()
	if len(got) == 0 {
		return nil, w.errorf("%s takes %s, one or more, and has none", w.name, name)
	}
	return got, nil
}

// present reads a word that takes no arguments.
func (w *word) present() (bool, error) {
	if got := w.d.RemainingArgs(); len(got) > 0 {
		return false, w.errorf("%s takes no arguments, and has %d", w.name, len(got))
	}
	return true, nil
}

// text reads a word with one argument.
func (w *word) text(name string) (string, error) {
	args, err := w.args(name)
	if err != nil {
		return "", err
	}
	return args[0], nil
}

// record reads a word that names a record of a store.
func (w *word) record() (*SecretRef, error) {
	args, err := w.args("<store>", "<path>")
	if err != nil {
		return nil, err
	}
	return &SecretRef{Store: args[0], Path: args[1]}, nil
}

// duration reads a word with one duration.
func (w *word) duration() (caddy.Duration, error) {
	text, err := w.text("<duration>")
	if err != nil {
		return 0, err
	}
	return w.asDuration(text)
}

func (w *word) asDuration(text string) (caddy.Duration, error) {
	d, err := caddy.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, w.errorf("%s takes a duration of more than 0, such as 30s", w.name)
	}
	return caddy.Duration(d), nil
}

// number reads a word with one whole number.
func (w *word) number(name string) (int, error) {
	text, err := w.text(name)
	if err != nil {
		return 0, err
	}
	return w.asNumber(text)
}

func (w *word) asNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return 0, w.errorf("%s takes a whole number of more than 0", w.name)
	}
	return n, nil
}

// block reads the block that follows. A word that is unknown, or there twice and not in repeatable, is an error.
func (w *word) block(context string, known words, repeatable ...string) error {
	seen := map[string]bool{}
	last := w.name
	for nesting := w.d.Nesting(); w.d.NextBlock(nesting); {
		next := at(w.d)
		read, ok := known[next.name]
		switch {
		case next.name == "{":
			return next.errorf("%s takes no block", last)
		case !ok:
			return next.errorf("%s", unknownWord(next.name, context, slices.Sorted(maps.Keys(known))))
		case seen[next.name] && !slices.Contains(repeatable, next.name):
			return next.errorf("%s is there twice in %s", next.name, context)
		}
		seen[next.name], last = true, next.name
		if err := read(next); err != nil {
			return err
		}
	}
	return nil
}

// unknownWord says that a word is unknown, and which known one it may have been meant to be.
func unknownWord(name, context string, known []string) string {
	text := fmt.Sprintf("unknown word %q in %s", name, context)
	if !wordLike.MatchString(name) { // what is no word may be a secret in the wrong place
		text = "unknown word in " + context
	}
	if len(known) == 0 {
		return text
	}
	if word, near := nearest.Word(name, known); near {
		return fmt.Sprintf("%s; did you mean %q?", text, word)
	}
	return fmt.Sprintf("%s; it knows %s", text, strings.Join(known, ", "))
}

// wordLike matches what words of a config look like.
var wordLike = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)

// nameRule is what names of the config are made of: they appear in URLs, labels and log lines.
var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// checkName says what is wrong with a name. It does not show it, as what is none may be a secret in the wrong place.
func checkName(name string) error {
	if nameRule.MatchString(name) {
		return nil
	}
	return fmt.Errorf("that is no name: up to 64 letters, digits, dots, dashes and underscores, a letter or digit first")
}
