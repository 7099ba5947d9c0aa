package tickets

import (
	"errors"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/limits"
)

func TestWhoMayMakeNoTicketsMakesNoneByMail(t *testing.T) {
	inWorld(t, func(w *world) {
		may := func(of drive.Ticket) error {
			inside, err := w.g.Inside("support")
			if err != nil {
				t.Fatal(err)
			}
			return MayMake(inside)(w.Context(), of)
		}
		note := mail(1)
		note.Note = "T20261127.0001"
		lock(w) // the API cannot be used
		for _, of := range []drive.Ticket{mail(0), note} {
			if err := may(of); err != nil {
				t.Error(err)
			}
		}
		w.policy(`permit (principal, action, resource); forbid (principal, action == Action::"create", resource == Entity::"Tickets");`)
		if err := may(note); err != nil {
			t.Error(err)
		}
		if err := may(mail(0)); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "(policy)") {
			t.Errorf("what policy forbids: %v", err)
		}
		w.cfg.Policy = nil
		w.load()
		if _, err := w.g.Disable(w.Context(), "mail/support", "a test"); err != nil {
			t.Fatal(err)
		}
		if err := may(mail(0)); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "(disabled)") {
			t.Errorf("of one that is switched off: %v", err)
		}
		if _, err := w.g.Enable(w.Context(), "mail/support"); err != nil {
			t.Fatal(err)
		}
		if err := may(mail(0)); err != nil {
			t.Error(err)
		}
		for what, of := range map[string]drive.Ticket{"ticket": mail(0), "note": note} {
			w.frozen(t, "00:00-24:00")
			if err := may(of); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "(policy)") {
				t.Errorf("a %s in a freeze: %v", what, err)
			}
			w.frozen(t, "23:00-24:00")
			if err := may(of); err != nil {
				t.Errorf("a %s outside of it: %v", what, err)
			}
		}
		if n := len(w.made()); n != 0 {
			t.Errorf("asking made %d tickets", n)
		}
	})
}

// frozen has nobody write in these hours of each day. It is midnight.
func (w *world) frozen(t *testing.T, hours string) {
	t.Helper()
	window, err := limits.ParseWindow([]string{"mon-sun"}, hours, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Freeze = []limits.Window{window}
	w.load()
}
