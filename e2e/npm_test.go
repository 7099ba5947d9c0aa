package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
)

// script is a client script that runs.
type script struct {
	*exec.Cmd
	world *world
	in    io.WriteCloser
	lines *bufio.Scanner
	said  bytes.Buffer // on standard error
}

// needsNpm ends a test that cannot be run here.
func needsNpm(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("clients/node_modules/@apigrate/autotask-restapi")
	}
	if err == nil {
		return
	}
	realparts.LeftOut(t, "the npm client @apigrate/autotask-restapi through psagate (%v); it needs node and `npm ci --prefix e2e/clients`", err)
}

// script starts a client script with a key of psagate's and psagate's address: that is all it knows.
func (w *world) script(name, integration string) *script {
	w.Helper()
	s := &script{Cmd: exec.Command("node", name), world: w}
	s.Dir = "clients"
	s.Env = []string{"KEY=" + w.keys[integration].Reveal(), "BASE=" + w.url("/ATServicesRest/"), "PATH=" + os.Getenv("PATH")}
	s.Stderr = &s.said
	var err error
	if s.in, err = s.StdinPipe(); err != nil {
		w.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	s.lines = bufio.NewScanner(out)
	if err := s.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = s.Process.Kill()
		_ = s.Wait()
		if w.Failed() {
			w.Logf("the script printed: %s", s.said.String())
		}
	})
	return s
}

// line waits for the script's next line.
func (s *script) line() string {
	s.world.Helper()
	if !s.lines.Scan() {
		_ = s.Wait()
		s.world.Fatalf("the script ended early: %s", s.said.String())
	}
	return s.lines.Text()
}

// tell sends the script a line.
func (s *script) tell() {
	s.world.Helper()
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		s.world.Errorf("the script ended early: %v", err)
	}
}

// end waits for the script's end, which must be a quiet one.
func (s *script) end() {
	s.world.Helper()
	if err := s.Wait(); err != nil || s.said.Len() > 0 {
		s.world.Errorf("the script ended with %v: %s", err, s.said.String())
	}
}

// apigrateDid is what clients/apigrate.mjs prints at its end.
type apigrateDid struct {
	Titles       []string
	Pages, Walks int
	Zone         struct{ URL string }
}

func TestTheNpmClientSeesNothingOfARotationOrAMove(t *testing.T) {
	needsNpm(t)
	const later = 2 * time.Second
	for name, order := range map[string]struct {
		change func(w *world)
		served func(w *world) int // calls since the change
		failed int                // sign-ins at most: those in flight at the change, and one of a store that is ahead
	}{
		"the PSA changes first, the store 2 s later": {failed: 3, served: newlyAccepted, change: func(w *world) {
			w.user.SetSecret(newPassword)
			time.AfterFunc(later, func() { w.save(newPassword) })
		}},
		"the store changes first, the PSA 2 s later": {failed: 4, served: newlyAccepted, change: func(w *world) {
			w.save(newPassword)
			time.AfterFunc(later, func() { w.user.SetSecret(newPassword) })
		}},
		"the tenant moves to another zone": {failed: 3, served: elsewhere, change: func(w *world) {
			w.tenant.Migrate(w.sim.AddZone("Elsewhere"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap, b.Latency = 4, 20*time.Millisecond })
			w.policed(callsPolicy + `permit (principal, action == Action::"create", resource == Entity::"TicketNotes");`)
			w.start()
			bypass := w.sim.Fault(psatest.Fault{User: "apigrate@example.com"})
			client := w.script("apigrate.mjs", "a")
			client.line()
			order.change(w)
			client.tell()
			w.until("it serves as it is now", func() bool { return order.served(w) > 30 })
			client.tell()
			var did apigrateDid
			if err := json.Unmarshal([]byte(client.line()), &did); err != nil {
				t.Fatal(err)
			}
			client.end()
			w.checkChange(did, order.failed)
			if n := bypass.Hits(); n != 0 {
				t.Errorf("%d requests with the client's own user name came to the PSA", n)
			}
		})
	}
}

// accepted is how many sign-ins the PSA accepted with the user's secret of that number.
func (w *world) accepted(secret int) (n int) {
	for _, e := range w.sim.Ledger().Of(user) {
		if e.OK() && e.Secret.No == secret {
			n++
		}
	}
	return n
}

// newlyAccepted is how many sign-ins the PSA accepted with the new password, elsewhere how many the zone judged where the tenant is now.
func newlyAccepted(w *world) int { return w.accepted(2) }

func elsewhere(w *world) int { return w.tenant.Zone().Requests().Judged }

// checkChange compares what a client did with what the PSA has and saw.
func (w *world) checkChange(did apigrateDid, failed int) {
	w.Helper()
	w.Logf("%d tickets, %d pages in %d walks, %d sign-ins, of these failed: %d",
		len(did.Titles), did.Pages, did.Walks, w.sim.Mark(), len(w.sim.Ledger().Failed()))
	if did.Zone.URL != w.url("/ATServicesRest/") || did.Pages < 7 {
		w.Errorf("the client's zone is %q, and it saw %d pages", did.Zone.URL, did.Pages)
	}
	w.unharmed(3)
	all := w.sim.Ledger()
	if got := all.Failed(); len(got) > failed || len(all.Of(user)) != len(all) || w.accepted(1) == 0 {
		w.Errorf("want %d failed sign-ins at most, and none of another user than psagate's: %v", failed, got)
	}
	created := map[any]int{}
	for _, ticket := range w.tenant.Records("Tickets") {
		created[ticket["title"]]++
	}
	for _, title := range did.Titles {
		if created[title] != 1 {
			w.Errorf("ticket %q is there %d times", title, created[title])
		}
	}
	n := len(did.Titles)
	if len(created) != 25+n || len(w.tenant.Records("TicketNotes")) != n || len(w.tenant.Records("TicketAttachments")) != n {
		w.Errorf("%d tickets, %d notes, %d attachments; want %d more than the 25 that were there, and %d each",
			len(created), len(w.tenant.Records("TicketNotes")), len(w.tenant.Records("TicketAttachments")), n, n)
	}
}
