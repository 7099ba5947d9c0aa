package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/vaulttest"
)

// Passwords that the PSA does not take.
const (
	typedPassword = "typed-Password-2342"
	laterPassword = "later-Password-7788"
)

// askWith runs a command against the server that runs, with an input.
func (w *world) askWith(input, line string) (string, int) {
	w.Helper()
	return w.begins(input, line)()
}

// begins starts a command against the server that runs, with an input. The function that it returns waits for its end.
func (w *world) begins(input, line string) (ended func() (string, int)) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := w.command(ctx, append(strings.Fields(line), "--address", "unix/"+w.admin)...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &out
	if err := cmd.Start(); err != nil {
		cancel()
		w.Fatal(err)
	}
	return func() (string, int) {
		defer cancel()
		_ = cmd.Wait() // its exit status says how it ended
		w.heard.add(place{name: "what `" + line + "` printed", text: out.Bytes()})
		return out.String(), cmd.ProcessState.ExitCode()
	}
}

// puts writes a password as an operator does, and demands what is said.
func (w *world) puts(password, line string, status int, texts ...string) {
	w.Helper()
	out, got := w.askWith(password+"\n", "secret put "+line)
	for _, text := range texts {
		if got != status || !strings.Contains(out, text) {
			w.Errorf("exit status %d, want %d, with %q:\n%s", got, status, text, out)
		}
	}
}

func TestANewPasswordIsPutIntoTheFileWhileCallsGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hide("the typed password", typedPassword)
	w.hide("the later password", laterPassword)
	w.write(secretsFile, `{
  "another/record": {"note": "stays \u0061s it is"},
  "autotask/main": {"username": "`+user+`", "secret": "`+oldPassword+`", "integration_code": "`+code+`", "note": "stays too"}
}
`)
	w.start()
	w.putsNewPasswords(func() string { return w.read(secretsFile) })
	if text := w.read(secretsFile); !strings.Contains(text, `"another/record": {"note": "stays \u0061s it is"},`) || !strings.Contains(text, "stays too") {
		t.Errorf("what was not written has changed:\n%s", text)
	}
	if info, err := os.Stat(w.path(secretsFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// An operator who puts a password while the process is stopped has it in the store, not in the PSA alone.
func TestAPutIsFinishedBeforeTheProcessEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.served("a")
	w.user.SetSecret(newPassword)
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Hold: true})
	ended := w.begins(newPassword+"\n", "secret put main")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := held.WaitHeld(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := w.server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.until("it is stopping", func() bool { return strings.Contains(w.read("output.log"), "then terminating") })
	held.Release()
	if out, status := ended(); status != 0 || !strings.Contains(out, "version 2 is written, and serves") {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	w.server.gone(w)
	if !strings.Contains(w.read(secretsFile), newPassword) {
		t.Error("the store does not have what the PSA has")
	}
}

func TestANewPasswordIsPutIntoVaultWhileCallsGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hide("the typed password", typedPassword)
	w.hide("the later password", laterPassword)
	v := vaulttest.Start(t)
	v.Put(record, map[string]any{"username": user, "secret": oldPassword, "integration_code": code, "tags": []string{"a", "b"}})
	policy := func(file string) string {
		return exampleText(t, filepath.Join(checkout(t), "examples", "vault-approle", file))
	}
	role, id := v.AppRole("psagate", []string{v.Policy("psagate", policy("psagate.hcl")), "psagate-put"}, time.Hour, time.Hour)
	w.mayHold = append(w.mayHold, "secret_id")
	w.hide("a secret id", id)
	w.write("secret_id", id)
	w.secrets = fmt.Sprintf("vault %s {\n\t\t\tpoll 200ms\n\t\t\tauth approle %s {file.%s}\n\t\t}", v.URL, role, w.path("secret_id"))
	w.start()
	w.served("a")
	w.puts(newPassword, "main", 1, "capabilities", "update")
	v.Policy("psagate-put", policy("put.hcl"))
	w.putsNewPasswords(func() string {
		got, err := v.Client().KVv2("kv").Get(context.Background(), record)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(got.VersionMetadata.Version, got.Data)
	})
	w.puts(oldPassword, "main", 1, "version 1 had this password", "none of the last five")
	w.unharmed(2)
}

// putsNewPasswords puts a wrong password, a good one, and one ahead of the PSA. stored is what the store has.
func (w *world) putsNewPasswords(stored func() string) {
	w.Helper()
	w.served("a")
	before := stored()
	w.puts(typedPassword, "main", 1, "is shown to the PSA once", "the PSA refuses it: nothing was written, and version 1 serves on")
	w.puts("with a space", "main", 1, "holds a space")
	if stored() != before || len(w.sim.Ledger().Failed()) != 1 {
		w.Errorf("the store was written, or %d sign-ins failed", len(w.sim.Ledger().Failed()))
	}
	w.user.SetSecret(newPassword)
	mark := w.sim.Mark()
	w.puts(newPassword, "main", 0, "version 2 is written, and serves")
	w.served("b")
	if l := w.sim.Ledger().Since(mark); len(l) != 2 || len(l.Failed()) != 0 || !strings.Contains(stored(), newPassword) {
		w.Errorf("sign-ins %v", l)
	}
	mark = w.sim.Mark()
	w.puts(laterPassword, "main --ahead", 0, "version 3 is written")
	w.until("it was tried", func() bool { return len(w.sim.Ledger().Since(mark).Failed()) == 1 })
	w.served("a")
	if !strings.Contains(stored(), laterPassword) {
		w.Error("the store has not what was put ahead of the PSA")
	}
	w.unharmed(1)
}
