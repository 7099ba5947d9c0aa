//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package caddymodule

import (
	"os"

	"golang.org/x/term"
)

// hideTyping does nothing here: reading a line hides it.
func hideTyping(int) error { return nil }

// typedLine reads a line of a terminal, unseen.
func typedLine(terminal *os.File) (string, error) {
	text, err := term.ReadPassword(int(terminal.Fd()))
	return string(text), err
}
