package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/broker/redact"
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

// printable is foreign text for people.
func printable(text string) string { return redact.Line(text, 200) }
