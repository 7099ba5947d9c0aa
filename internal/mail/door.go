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
	*addresses
	*running

	noting  sync.Mutex
	problem string // why it is not open
}

// addresses are those that mails are taken for at a place. A door that is closing has those of the config in force: what a client began
// before that comes to the mailbox that works on it.
type addresses struct {
	mu    sync.RWMutex
	boxes map[string]addressee // by the address of an alias, in lower case
}

// addressee is a mailbox, and its name.
type addressee struct {
	box  *box
	name string
}

// use finds the mailboxes for which mails come to a place.
func (a *addresses) use(place string, boxes map[string]*box) {
	found := map[string]addressee{}
	for _, b := range boxes {
		if b.mailbox.Door != place {
			continue
		}
		for _, alias := range b.mailbox.Route.Aliases {
			found[strings.ToLower(alias.Address)] = addressee{b, b.mailbox.name()}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.boxes = found
}

// of is the mailbox of a recipient, if there is one. A sub-address belongs to its address, unless it is an alias of its own.
func (a *addresses) of(address string) (addressee, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if to, there := a.boxes[strings.ToLower(address)]; there {
		return to, true
	}
	list := message.ParseAddresses(address)
	if len(list) != 1 {
		return addressee{}, false
	}
	to, there := a.boxes[list[0].Base().Key()]
	return to, there
}

// spool keeps a mail in each mailbox that has one of its recipients. Where one cannot keep it, the sender comes again, and those
// that could find out that they have it.
func (d *door) spool(ctx context.Context, mail smtp.Mail) error {
	kept := map[string]bool{}
	for _, address := range mail.To {
		to, there := d.of(address)
		if !there {
			return fmt.Errorf("%s is no alias any more", address) // when the sender comes again, it is told
		}
		if kept[to.name] {
			continue
		}
		_, fresh, err := d.books.Spool(ctx, drive.Spooled(to.name, mail.Object, mail.Raw, mail.Arrived), mail.Raw)
		if errors.Is(err, ledger.ErrFull) {
			err = errors.Join(smtp.ErrFull, err)
		}
		if err != nil {
			return fmt.Errorf("keeping a mail of mailbox %s: %w", to.name, err)
		}
		if kept[to.name] = true; fresh {
			to.box.wake()
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
	in.Takes, in.Spool, in.Log = func(address string) bool { _, there := d.of(address); return there }, d.spool, d.log
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
	d.noting.Lock()
	defer d.noting.Unlock()
	d.problem = problem
}

func (d *door) trouble() string {
	d.noting.Lock()
	defer d.noting.Unlock()
	return d.problem
}
