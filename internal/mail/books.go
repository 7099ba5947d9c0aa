package mail

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
)

// inbox is the books of one mailbox, for one account that its mails are fetched from. It implements imap.Books.
//
// What is known of a mail is its place at the server, and servers count alike: so each place has the account before it. With another
// account in the place of the one before, a mailbox begins anew, instead of taking that one's mails for known.
type inbox struct {
	books   ledger.Ledger
	mailbox string
	account string // with what parts it from the place
	whole   string // where a mail is that was longer than is taken, once it is done with
	wake    func()
}

// wholeAt says where mails are that are done with.
func wholeAt(m *imap.Mailbox) string {
	if !m.LeaveSince.IsZero() {
		return fmt.Sprintf("in the inbox of %s at %s", m.User, m.Server)
	}
	return fmt.Sprintf("in the folder %s of %s at %s", cmp.Or(m.Processed, "Processed"), m.User, m.Server)
}

// accountOf is short for a server and a user. The port is left out: it is another way to the same mails.
func accountOf(m *imap.Mailbox) string {
	host, _, _ := net.SplitHostPort(m.Server)
	sum := sha256.Sum256([]byte(strings.ToLower(host + "\n" + m.User)))
	return hex.EncodeToString(sum[:4]) + "/"
}

// Missing implements imap.Books.
func (b inbox) Missing(ctx context.Context, objects []string) ([]string, error) {
	full := make([]string, len(objects))
	for i, object := range objects {
		full[i] = b.account + object
	}
	missing, err := b.books.Missing(ctx, b.mailbox, full)
	for i := range missing {
		missing[i] = strings.TrimPrefix(missing[i], b.account)
	}
	return missing, err
}

// Begun implements imap.Books.
func (b inbox) Begun(ctx context.Context, validity, next uint32) (uint32, error) {
	return b.books.Begun(ctx, b.mailbox, fmt.Sprint(b.account, validity), next)
}

// Spool implements imap.Books. A mail that is there already is kept.
func (b inbox) Spool(ctx context.Context, mail imap.Mail) error {
	row := drive.Spooled(b.mailbox, b.account+mail.Object, mail.Raw, mail.Arrived)
	if mail.Cut {
		row = drive.CutShort(row, fmt.Sprintf("This is the beginning of a mail of %d bytes, which is longer than the mailbox takes. The whole mail is %s.", mail.Size, b.whole))
	}
	_, fresh, err := b.books.Spool(ctx, row, mail.Raw)
	if err == nil && fresh {
		b.wake()
	}
	return err
}
