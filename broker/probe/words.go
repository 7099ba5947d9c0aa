package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/emersion/go-smtp"
)

// saying are a server's own words.
func saying(e *smtp.SMTPError) string {
	return "“" + printable(strconv.Itoa(e.Code)+" "+e.Message) + "”"
}

// answered says what a server answered, or that it did not.
func answered(err error) string {
	said := new(smtp.SMTPError)
	switch {
	case errors.As(err, &said):
		return "it says " + saying(said)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return "it does not answer"
	}
	return printable(plain(err))
}

// plain is what went wrong, without addresses and ports that were said already.
func plain(err error) string {
	if way := new(net.OpError); errors.As(err, &way) && way.Err != nil {
		return way.Err.Error()
	}
	return err.Error()
}

// printable is foreign text, cut, on one line.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if all := []rune(text); len(all) > 200 {
		text = string(all[:200]) + "…"
	}
	return strings.TrimSpace(text)
}
