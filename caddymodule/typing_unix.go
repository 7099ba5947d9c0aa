//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package caddymodule

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideTyping makes a terminal show nothing of what is typed, by lines as before.
func hideTyping(fd int) error {
	state, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO
	state.Lflag |= unix.ICANON | unix.ISIG
	state.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, setTermios, state)
}

// typedLine reads a line of a terminal; [io.EOF] where it is ended before anything is typed.
func typedLine(terminal *os.File) (string, error) { return readLine(terminal) }
