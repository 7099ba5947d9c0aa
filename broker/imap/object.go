package imap

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Mail is one as it is handed over.
type Mail struct {
	// Object is its place on the server, alike for no two in a mailbox, ever (RFC 9051 section 2.3.1.1).
	Object string
	// Arrived is when it came to the server (INTERNALDATE); zero where the server does not say.
	Arrived time.Time
	// Raw are its bytes. Of one longer than Mailbox.Most only the first ones: then Cut is set.
	Raw []byte
	Cut bool
	// Size is its whole length in bytes; where it is cut, as the server has it.
	Size int64
}

// object is the place of a mail.
func object(validity uint32, uid imap.UID) string { return fmt.Sprintf("imap:%d:%d", validity, uid) }

// place reads an object.
func place(object string) (validity uint32, uid imap.UID, err error) {
	v, u, found := strings.Cut(strings.TrimPrefix(object, "imap:"), ":")
	if !found || !strings.HasPrefix(object, "imap:") {
		return 0, 0, fmt.Errorf("%q is no mail of an IMAP mailbox", object)
	}
	validity64, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("%q is no mail of an IMAP mailbox: %w", object, err)
	}
	uid64, err := strconv.ParseUint(u, 10, 32)
	if err != nil || uid64 == 0 {
		return 0, 0, fmt.Errorf("%q is no mail of an IMAP mailbox", object)
	}
	return uint32(validity64), imap.UID(uid64), nil
}
