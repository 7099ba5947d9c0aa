package e2e

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
)

// smallDisk mounts a disk of 8 MB for the store.
func (w *world) smallDisk() {
	w.Helper()
	dir := w.path("disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		realparts.LeftOut(w.T, "a disk that is full, or read-only (mount: %v); it needs root", err)
	}
	w.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // before the world's folder goes
	w.caddyfile.psa = "store sqlite " + w.path("disk/psagate.db") + " {\n\t\t\tttl 3s\n\t\t}"
}

// fill writes until the disk is full.
func (w *world) fill() {
	w.Helper()
	f, err := os.Create(w.path("disk/other"))
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		w.Fatal(err)
	}
}

func (w *world) makeRoom() {
	w.Helper()
	if err := os.Remove(w.path("disk/other")); err != nil {
		w.Fatal(err)
	}
}

// Calls go on with what the process holds until its lease ends, then nothing is sent; once there is room all is well.
func TestADiskThatIsFullStopsCallsWhenTheLeaseEnds(t *testing.T) {
	t.Parallel()
	w := newDurable(t, "")
	w.smallDisk()
	w.start()
	w.served("a")
	c := w.callOn(4)
	time.Sleep(200 * time.Millisecond)
	before := c.so("ticket")
	w.fill()
	w.until("calls are answered that nothing can be sent", func() bool { return c.so("store-unavailable") > 0 })
	carried := c.so("ticket") - before
	mark := w.sim.Mark()
	if problems := strings.Join(w.problems(), "\n"); !strings.Contains(problems, "the store of the guard cannot be used, so nothing is sent") {
		t.Errorf("problems: %s", problems)
	}
	if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "store-unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
	w.makeRoom()
	took := w.servesAgain()
	came := c.stop()
	if carried == 0 {
		t.Error("no call was served between the disk's end and the lease's")
	}
	if first := w.sim.Ledger().Since(mark); len(first) == 0 || !first[0].OK() {
		t.Errorf("the first sign-ins afterwards: %v", first[:min(len(first), 3)])
	}
	w.until("every unit is free", func() bool { w.served("a"); return w.stands().units.Free == 5 })
	t.Logf("%d calls were served while the disk was full; served again %v after there was room; calls: %v", carried, took.Round(time.Millisecond), came)
	w.unharmed(0)
}

// A wrong password while the disk is full: what is refused cannot be written, and is not forgotten.
func TestARefusalThatCannotBeWrittenIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(w *world){
		"there is room again": (*world).makeRoom,
		"a kill":              func(w *world) { w.kill(); w.makeRoom(); w.start() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "")
			w.smallDisk()
			w.start()
			w.served("a")
			c := w.callOn(4)
			time.Sleep(100 * time.Millisecond)
			w.fill()
			w.user.SetSecret(newPassword)
			w.until("nothing is sent any more", func() bool {
				before := w.sim.Mark()
				time.Sleep(500 * time.Millisecond)
				return w.sim.Mark() == before
			})
			c.stop()
			then(w)
			w.save(newPassword)
			w.servesAgain()
			w.unharmed(5)
			t.Logf("%d failed sign-ins in a row at most", w.user.MaxFailedSinceSuccess())
		})
	}
}

func TestADiskThatIsReadOnlyIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, used := range map[string]bool{"a new store": false, "a store that was used": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "")
			w.smallDisk()
			if used {
				w.start()
				w.served("a")
				w.server.stop(w)
				w.server = nil
			}
			w.remount(syscall.MS_RDONLY)
			out := w.refusesToStart()
			if lines := linesWith(out, "read-only"); len(lines) != 1 || !strings.Contains(lines[0], w.path("disk/psagate.db")) {
				t.Errorf("%d lines with \"read-only\" and the path in: %s", len(lines), out)
			}
			w.remount(0)
			w.start()
			w.served("a")
			w.unharmed(0)
		})
	}
}

func (w *world) remount(flags uintptr) {
	w.Helper()
	if err := syscall.Mount("tmpfs", w.path("disk"), "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
		w.Fatal(err)
	}
}
