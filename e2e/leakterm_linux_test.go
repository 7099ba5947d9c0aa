package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/psagate/psagate/internal/realparts"
)

// The keys that end the asking: Ctrl-C and Ctrl-D.
const interrupt, endOfInput = "\x03", "\x04"

// terminate stands for no key: the program is sent SIGTERM.
const terminate = "SIGTERM"

// terminal is what a person sits at: a pseudo-terminal, the side of the keyboard and the screen.
type terminal struct {
	*os.File
	mu     sync.Mutex
	screen bytes.Buffer
}

// newTerminal opens one, and the side that a program gets.
func newTerminal(w *world) (t *terminal, program *os.File) {
	w.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		realparts.LeftOut(w.T, "a password that is typed at a terminal (%v); it needs /dev/ptmx", err)
	}
	t = &terminal{File: keyboard}
	var locked, number int32
	w.control(t.Fd(), syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	w.control(t.Fd(), syscall.TIOCGPTN, unsafe.Pointer(&number))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		w.Fatal(err)
	}
	return t, program
}

func (w *world) control(fd, request uintptr, value unsafe.Pointer) {
	w.Helper()
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(value)); failed != 0 {
		w.Fatal(failed)
	}
}

// watch reads what is shown until the program has gone.
func (t *terminal) watch() {
	piece := make([]byte, 4096)
	for {
		n, err := t.Read(piece)
		t.mu.Lock()
		t.screen.Write(piece[:n])
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *terminal) shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.String()
}

// shows tells whether the terminal shows what is typed.
func (t *terminal) shows(w *world) bool {
	w.Helper()
	var state syscall.Termios
	w.control(t.Fd(), syscall.TCGETS, unsafe.Pointer(&state))
	return state.Lflag&syscall.ECHO != 0
}

// waits for a prompt, and for the terminal to show no more what is typed.
func (t *terminal) waits(w *world, prompt string) {
	w.Helper()
	w.until("it asks: "+prompt, func() bool { return strings.HasSuffix(t.shown(), prompt) && !t.shows(w) })
}

// types waits for a prompt and types a line, or one key that ends it.
func (t *terminal) types(w *world, prompt, text string) {
	w.Helper()
	t.waits(w, prompt)
	if text != interrupt && text != endOfInput {
		text += "\r"
	}
	if _, err := t.WriteString(text); err != nil {
		w.Fatal(err)
	}
}

// putsAt runs `secret put main` at a terminal, types answers to its questions, and demands how it ends.
func (w *world) putsAt(status int, said string, words []string, typed ...[2]string) {
	w.Helper()
	t, program := newTerminal(w)
	defer t.Close()
	cmd := w.command(w.Context(), append([]string{"secret", "put", "main", "--address", "unix/" + w.admin}, words...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	var watching sync.WaitGroup
	watching.Go(t.watch)
	for _, one := range typed {
		if one[1] == terminate {
			t.waits(w, one[0])
			_ = cmd.Process.Signal(syscall.SIGTERM)
			continue
		}
		t.types(w, one[0], one[1])
	}
	_ = cmd.Wait() // its exit status says how it ended
	if !t.shows(w) {
		w.Error("the terminal is left without echo")
	}
	_ = program.Close()
	watching.Wait()
	w.heard.add(place{name: "what a terminal showed", text: []byte(t.shown())})
	if got := cmd.ProcessState.ExitCode(); got != status || !strings.Contains(t.shown(), said) {
		w.Errorf("exit status %d, want %d, with %q: %s", got, status, said, t.shown())
	}
}

func TestAPasswordThatIsTypedAtATerminalIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hide("the typed password", typedPassword)
	w.hide("the later password", laterPassword)
	w.start()
	w.served("a")
	const first, second, tracking = "New password: ", "Again: ", "Integration code: "
	w.putsAt(1, "the two differ: nothing was done", nil, [2]string{first, typedPassword}, [2]string{second, laterPassword})
	w.putsAt(1, "nothing was typed: nothing was done", nil, [2]string{first, ""}, [2]string{second, ""})
	w.putsAt(1, "nothing was typed: nothing was done", nil, [2]string{first, endOfInput})
	w.putsAt(1, "interrupt: nothing was done", nil, [2]string{first, interrupt})
	w.putsAt(1, "terminated: nothing was done", nil, [2]string{first, terminate})
	w.putsAt(1, "interrupt: nothing was done", nil, [2]string{first, typedPassword}, [2]string{second, interrupt})
	w.putsAt(1, "the PSA refuses it", nil, [2]string{first, typedPassword}, [2]string{second, typedPassword})
	if n := len(w.sim.Ledger().Failed()); n != 1 {
		t.Errorf("%d failed sign-ins", n)
	}
	w.user.SetSecret(newPassword)
	w.putsAt(0, "version 2 is written, and serves", []string{"--integration-code"},
		[2]string{first, newPassword}, [2]string{second, newPassword}, [2]string{tracking, code}, [2]string{second, code})
	w.served("b")
	w.unharmed(1)
}
