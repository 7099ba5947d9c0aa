package vaulttest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestVersionsOfARecord(t *testing.T) {
	t.Parallel()
	v := Start(t)
	c := v.Client()
	if first, second := v.Put("autotask/main", map[string]any{"secret": "one"}), v.Put("autotask/main", map[string]any{"secret": "two"}); first != 1 || second != 2 {
		t.Errorf("the versions are %d and %d", first, second)
	}
	wantRead(t, c, "autotask/main", "secret", "two")
	v.Delete("autotask/main")
	if _, err := read(c, "autotask/main", "secret"); !errors.Is(err, errDeleted) {
		t.Errorf("after version 2 was deleted: %v", err)
	}
	v.Undelete("autotask/main", 2)
	wantRead(t, c, "autotask/main", "secret", "two")
	v.Delete("autotask/main", 1)
	if _, err := c.KVv2("kv").GetVersion(context.Background(), "autotask/main", 2); err != nil {
		t.Errorf("version 2 is gone with version 1: %v", err)
	}
	v.Destroy("autotask/main", 2)
	if _, err := read(c, "autotask/main", "secret"); !errors.Is(err, errDeleted) {
		t.Errorf("after version 2 was destroyed: %v", err)
	}
	meta, err := c.KVv2("kv").GetMetadata(context.Background(), "autotask/main")
	if err != nil || !meta.Versions["2"].Destroyed || meta.Versions["1"].DeletionTime.IsZero() {
		t.Errorf("want version 1 deleted and 2 destroyed, not %+v, %v", meta, err)
	}
	v.DeleteMetadata("autotask/main")
	if n := v.Put("autotask/main", map[string]any{"secret": "new"}); n != 1 {
		t.Errorf("after the metadata were deleted the version is %d", n)
	}
}

func TestASealedVaultAnswers503(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	v.Seal()
	wantStatus(t, v.Client(), "a", 503)
	v.Unseal()
	wantRead(t, v.Client(), "a", "secret", "s")
}

func TestAPausedVaultStalls(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	t.Run("lent to a subtest, which leaves it running", func(t *testing.T) {
		v := v.With(t)
		v.Pause()
		c := v.Client()
		c.SetClientTimeout(100 * time.Millisecond)
		if got, err := read(c, "a", "secret"); err == nil || status(err) != 0 {
			t.Errorf("it answers %q, %v", got, err)
		}
	})
	wantRead(t, v.Client(), "a", "secret", "s")
	v.Pause()
	v.Continue()
	wantRead(t, v.Client(), "a", "secret", "s")
	v.Pause() // and the test ends all the same
}

func TestAVaultOnDiskOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	v := Start(t, OnDisk())
	v.Put("a", map[string]any{"secret": "one"})
	c, url := v.Client(), v.URL
	v.Stop()
	if _, err := read(c, "a", "secret"); err == nil || status(err) != 0 {
		t.Errorf("a stopped Vault answers: %v", err)
	}
	v.Restart()
	if v.URL != url {
		t.Errorf("it moved from %s to %s", url, v.URL)
	}
	wantRead(t, c, "a", "secret", "one")

	copied := filepath.Join(t.TempDir(), "snapshot")
	v.Snapshot(copied)
	if n := v.Put("a", map[string]any{"secret": "two"}); n != 2 {
		t.Errorf("the next version is %d", n)
	}
	wantRead(t, c, "a", "secret", "two")
	v.Restore(copied)
	wantRead(t, c, "a", "secret", "one")
	if n := v.Put("a", map[string]any{"secret": "other"}); n != 2 {
		t.Errorf("the next version after the older one was restored is %d", n)
	}
}

func TestTheClientIsDeafToTheEnvironment(t *testing.T) {
	v := Start(t)
	for name, value := range map[string]string{
		"VAULT_TOKEN": "wrong", "VAULT_ADDR": "http://127.0.0.1:1", "VAULT_NAMESPACE": "ns", "VAULT_MAX_RETRIES": "9",
		"VAULT_HEADERS": `{"X-Other": "x"}`,
	} {
		t.Setenv(name, value)
	}
	c := v.Client()
	if c.Address() != v.URL || c.Token() != v.Root || c.Namespace() != "" || c.MaxRetries() != 0 || c.Headers().Get("X-Other") != "" {
		t.Errorf("address %s, namespace %q, %d retries, headers %v", c.Address(), c.Namespace(), c.MaxRetries(), c.Headers())
	}
	v.Put("a", map[string]any{"secret": "s"})
}
