package installation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestAKeyFileIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "installation.key")
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			k, _, err := FromFile(path)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			ids[k.ID()] = true
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Fatalf("processes that start at once have %d keys", len(ids))
	}
	k, made, err := FromFile(path)
	if err != nil || made || !ids[k.ID()] {
		t.Errorf("made %v, error %v", made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestBadKeysAreSaidAndNotShown(t *testing.T) {
	const short = "secret-but-short"
	long := strings.Repeat("k", 40)
	for _, c := range []struct {
		fields map[string]string
		says   string
	}{
		{map[string]string{}, `field "key" is missing`},
		{map[string]string{"key": short}, `field "key" has 16 characters`},
		{map[string]string{"key": long, "former": short}, `field "former" has 16 characters`},
	} {
		_, err := FromFields(c.fields)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), short) {
			t.Errorf("%v: %v", c.says, err)
		}
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(long), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := FromFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
}

func TestAKeyShowsNothingOfItself(t *testing.T) {
	long := strings.Repeat("k", 40)
	k, err := FromFields(map[string]string{"key": long, "former": strings.Repeat("f", 40)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(struct{ Key Key }{k})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %x", k, k, k), string(text)} {
		if strings.Contains(shown, "kkk") || strings.Contains(shown, "fff") || strings.Contains(shown, "6b6b") {
			t.Error("it shows itself")
		}
	}
	current, former := k.Fingerprints()
	if bytes.Equal(current, former) || len(current) != 32 || len(former) != 32 {
		t.Error("the two keys are one")
	}
	alone, err := FromFields(map[string]string{"key": long})
	if err != nil {
		t.Fatal(err)
	}
	if again, none := alone.Fingerprints(); !bytes.Equal(again, current) || none != nil {
		t.Error("the same key gives others")
	}
}

func TestEachPurposeHasAKeyOfItsOwn(t *testing.T) {
	k, err := FromFields(map[string]string{"key": strings.Repeat("k", 40), "former": strings.Repeat("f", 40)})
	if err != nil {
		t.Fatal(err)
	}
	fingerprints, former := k.Fingerprints()
	keys := k.Audit()
	if len(keys) != 2 || keys[0].ID != k.ID() || keys[1].ID == k.ID() {
		t.Fatalf("%d keys, the first is not the installation's, or both are one", len(keys))
	}
	all := [][]byte{fingerprints, former, keys[0].Secret, keys[1].Secret}
	for i, one := range all {
		for _, other := range all[i+1:] {
			if bytes.Equal(one, other) {
				t.Error("two purposes have one key")
			}
		}
	}
	alone, err := FromFields(map[string]string{"key": strings.Repeat("f", 40)})
	if err != nil {
		t.Fatal(err)
	}
	if was := alone.Audit(); len(was) != 1 || was[0].ID != keys[1].ID || !bytes.Equal(was[0].Secret, keys[1].Secret) {
		t.Error("a key that was replaced does not prove its lines any more")
	}
}

func TestTheKeysOfSignInsAreOthersAndTheFormerOneOpensToo(t *testing.T) {
	fields := map[string]string{FieldKey: strings.Repeat("k", 32), FieldFormer: strings.Repeat("f", 32)}
	k, err := FromFields(fields)
	if err != nil {
		t.Fatal(err)
	}
	keys := k.SignIn()
	former, err := FromFields(map[string]string{FieldKey: fields[FieldFormer]})
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || len(keys[0]) != 32 || !bytes.Equal(keys[1], former.SignIn()[0]) || len(former.SignIn()) != 1 {
		t.Errorf("%d keys", len(keys))
	}
	if fingerprints, _ := k.Fingerprints(); bytes.Equal(keys[0], fingerprints) || bytes.Equal(keys[0], k.Audit()[0].Secret) || bytes.Equal(keys[0], keys[1]) {
		t.Error("one key has two purposes")
	}
}
