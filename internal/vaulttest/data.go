package vaulttest

import "os"

// Snapshot copies the storage to dir, which it makes; Vault is stopped meanwhile, since a copy of what runs could be torn.
// It needs [OnDisk].
func (v *Vault) Snapshot(dir string) {
	v.t.Helper()
	v.still(func() error { return os.CopyFS(dir, os.DirFS(v.data)) })
}

// Restore puts the storage back to what [Vault.Snapshot] copied to dir; Vault is stopped meanwhile. What was done since is
// undone: versions of records are gone, and so are tokens, secret ids, policies and roles.
func (v *Vault) Restore(dir string) {
	v.t.Helper()
	v.still(func() error {
		if err := os.RemoveAll(v.data); err != nil {
			return err
		}
		return os.CopyFS(v.data, os.DirFS(dir))
	})
}

// still does something while the process does not run, and starts it again where it ran.
func (v *Vault) still(do func() error) {
	v.t.Helper()
	if v.data == "" {
		v.t.Fatal("only a Vault that keeps its storage OnDisk has one to copy")
	}
	ran := v.process.running()
	if ran {
		v.Stop()
	}
	if err := do(); err != nil {
		v.t.Fatalf("Vault's storage: %v", err)
	}
	if ran {
		v.Restart()
	}
}
