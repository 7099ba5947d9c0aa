//go:build unix

package vaulttest

import (
	"errors"
	"syscall"
)

// Pause stops the process with SIGSTOP: connections to it open and stall. When it returns, no thread runs any more. It
// goes on by [Vault.Continue], or when the test ends.
func (v *Vault) Pause() {
	v.t.Helper()
	if !v.process.running() {
		v.t.Fatal("a Vault that does not run cannot be paused")
	}
	pid := v.process.cmd.Process.Pid
	err := syscall.Kill(pid, syscall.SIGSTOP)
	v.t.Cleanup(v.goOn)
	for status := syscall.WaitStatus(0); err == nil && !status.Stopped(); {
		_, err = syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			err = nil
		}
	}
	if err != nil {
		v.t.Fatalf("pausing Vault: %v", err)
	}
}

// Continue lets a paused process go on, with SIGCONT.
func (v *Vault) Continue() {
	v.t.Helper()
	if err := v.process.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		v.t.Fatalf("continuing Vault: %v", err)
	}
}

// goOn is Continue for a process that may be gone.
func (v *Vault) goOn() { _ = v.process.cmd.Process.Signal(syscall.SIGCONT) }
