package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

var errNothingTyped = errors.New("nothing was typed: nothing was done")

// unseen asks while the terminal shows nothing of what is typed, and leaves the terminal as it was. A signal that ends
// programs ends the asking: Go would end the program at once, and the terminal would stay as it is here.
func unseen(terminal *os.File, ask func() (string, error)) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("reading the state of the terminal: %w: nothing was done", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	defer func() { _ = term.Restore(fd, before) }()
	if err := hideTyping(fd); err != nil {
		return "", fmt.Errorf("hiding what is typed: %w: nothing was done", err)
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // where a signal comes first it ends with the program
		text, err := ask()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case s := <-signals:
		return "", fmt.Errorf("%v: nothing was done", s)
	}
}

// readLine reads up to the end of a line, or to the end of the input where something stands before it; and no further, so
// that the next line is there for whoever reads next.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := in.Read(one)
		switch {
		case n == 1 && one[0] == '\n', errors.Is(err, io.EOF) && len(line) > 0:
			return string(line), nil
		case n == 1:
			line = append(line, one[0])
		case err != nil:
			return "", err
		}
	}
}
