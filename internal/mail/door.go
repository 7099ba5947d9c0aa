package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/smtp"
)

// door is a Door that is open.
type door struct {
	*Door
	books ledger.Ledger
	log   *slog.Logger
	boxes map[string]*box // by the address of an alias, in lower case
	*running

	mu      sync.Mutex
	problem string // why it is not open
}

// newDoor finds the mailboxes for which mails come through a door.
func newDoor(d *Door, books ledger.Ledger, log *slog.Logger, boxes map[string]*box) *door {
	opened := &door{Door: d, books: books, log: log.With("smtp", d.Place), boxes: map[string]*box{}}
	for _, b := range boxes {
		if b.mailbox.Door != d.Place {
			continue
		}
		for _, a := range b.mailbox.Route.Aliases {
			opened.boxes[strings.ToLower(a.Address)] = b
		}
	}
	return opened
}

// of is the mailbox of a recipient; nil for none. A sub-address belongs to its address, unless it is an alias of its own.
func (d *door) of(address string) *box {
	if b := d.boxes[strings.ToLower(address)]; b != nil {
		return b
	}
	list := message.ParseAddresses(address)
	if len(list) != 1 {
		return nil
	}
	return d.boxes[list[0].Base().Key()]
}

// spool keeps a mail in each mailbox that has one of its recipients. Where one cannot keep it, the sender comes again, and those
// that could find out that they have it.
func (d *door) spool(ctx context.Context, mail smtp.Mail) error {
	kept := map[*box]bool{}
	for _, to := range mail.To {
		b := d.of(to)
		if b == nil || kept[b] {
			continue
		}
		_, fresh, err := d.books.Spool(ctx, drive.Spooled(b.mailbox.name(), mail.Object, mail.Raw, mail.Arrived), mail.Raw)
		if err != nil {
			return fmt.Errorf("keeping a mail of mailbox %s: %w", b.mailbox.name(), err)
		}
		if kept[b] = true; fresh {
			b.wake()
		}
	}
	if len(kept) == 0 {
		return errors.New("a mail came for nobody")
	}
	return nil
}

// serve takes mails in until the context ends. A door that cannot be opened is tried again.
func (d *door) serve(ctx context.Context) {
	in := d.Intake
	in.Takes, in.Spool, in.Log = func(address string) bool { return d.of(address) != nil }, d.spool, d.log
	for wait := anewFirst; ctx.Err() == nil; wait = min(2*wait, anewMost) {
		l, err := d.Listen()
		if err == nil {
			d.note("")
			err = in.Serve(ctx, l)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("it was closed")
		}
		d.note(err.Error())
		d.log.Error("no mails come in by SMTP: it cannot be listened there", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (d *door) note(problem string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.problem = problem
}

func (d *door) trouble() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.problem
}
