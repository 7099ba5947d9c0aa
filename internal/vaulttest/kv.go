package vaulttest

import "context"

// Put writes a new version of a record at mount kv and returns its number.
func (v *Vault) Put(path string, fields map[string]any) int {
	v.t.Helper()
	written, err := v.client.KVv2("kv").Put(context.Background(), path, fields)
	v.must("writing "+path, err)
	return written.VersionMetadata.Version
}

// Delete deletes versions of a record, the newest where none is named. [Vault.Undelete] brings them back.
func (v *Vault) Delete(path string, versions ...int) {
	v.t.Helper()
	kv := v.client.KVv2("kv")
	if len(versions) == 0 {
		v.must("deleting "+path, kv.Delete(context.Background(), path))
		return
	}
	v.must("deleting versions of "+path, kv.DeleteVersions(context.Background(), path, versions))
}

// Undelete brings deleted versions of a record back.
func (v *Vault) Undelete(path string, versions ...int) {
	v.t.Helper()
	v.must("undeleting "+path, v.client.KVv2("kv").Undelete(context.Background(), path, versions))
}

// Destroy destroys versions of a record for ever.
func (v *Vault) Destroy(path string, versions ...int) {
	v.t.Helper()
	v.must("destroying "+path, v.client.KVv2("kv").Destroy(context.Background(), path, versions))
}

// DeleteMetadata removes a record with all its versions; the next [Vault.Put] counts from 1 again.
func (v *Vault) DeleteMetadata(path string) {
	v.t.Helper()
	v.must("removing "+path, v.client.KVv2("kv").DeleteMetadata(context.Background(), path))
}
