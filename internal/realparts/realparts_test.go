package realparts

import (
	"fmt"
	"testing"
)

// ended is a test of which is written down how it ends.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()           {}
func (e *ended) Fatal(args ...any) { e.how = "failed, " + fmt.Sprint(args...); panic(e) }
func (e *ended) Skip(args ...any)  { e.how = "skipped, " + fmt.Sprint(args...); panic(e) }

func TestALackingPartFailsWhereTheRealPartsAreDemanded(t *testing.T) {
	for demanded, want := range map[string]string{
		"1": "failed, left out: a Vault",
		"":  "skipped, left out: a Vault",
		"0": "skipped, left out: a Vault",
	} {
		t.Setenv(Demanded, demanded)
		e := new(ended)
		func() {
			defer func() { _ = recover() }()
			LeftOut(e, "a Vault")
		}()
		if e.how != want {
			t.Errorf("%s=%s: %q, want %q", Demanded, demanded, e.how, want)
		}
	}
}
