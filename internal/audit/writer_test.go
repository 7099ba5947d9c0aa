package audit

import (
	"strconv"
	"testing"
)

func TestALogThatNobodyTouchedIsAsItWasWritten(t *testing.T) {
	for _, required := range []bool{false, true} {
		d, anchors := &disk{}, &Memory{}
		w := open(t, Config{Output: d, Anchors: anchors, Required: required})
		for i := range 100 {
			if err := w.Append(t.Context(), read(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := shut(w); err != nil {
			t.Fatal(err)
		}
		r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, d.text())
		if kinds(r) != "" || r.Lines != 102 || len(r.Chains) != 1 || !r.Chains[0].Closed || r.Chains[0].Anchored != 102 {
			t.Errorf("required %v: %+v", required, r)
		}
		if required {
			t.Log(d.text()[:1200])
		}
	}
}
