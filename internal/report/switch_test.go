package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestASwitchThatHoldsAtOneReplicaAloneSaysSo(t *testing.T) {
	var out bytes.Buffer
	p := Printer{Out: &out}
	p.Switch(Switch{Integration: "rmm", Disabled: true, Changed: true, HereAlone: true}, false)
	p.switchedOff([]SwitchedOff{{Integration: "rmm", Reason: "it loops", Since: time.Unix(0, 0), HereAlone: true}}, time.Unix(60, 0))
	for _, want := range []string{
		"integration rmm is disabled at this replica", "the store cannot be used", "once the store is back", "say it again",
		"it loops (at this replica alone, until the store is back)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from:\n%s", want, &out)
		}
	}
}
