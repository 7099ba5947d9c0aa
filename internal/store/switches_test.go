//go:build unix

package store

import (
	"slices"
	"testing"
	"time"
)

func TestWhoIsSwitchedOffStaysSoOverRestartsUntilSomebodySwitchesHimOn(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		at := time.UnixMicro(1_760_000_000_123_456)
		a := p.run(t)
		rmm, itglue := Switched{"rmm", "it loops", at}, Switched{"itglue", "", at.Add(time.Second)}
		for _, w := range []Switched{{"rmm", "who knows", at.Add(-time.Hour)}, itglue, rmm} {
			if err := a.SwitchOff(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		a.close()
		b := p.run(t)
		writes := b.Writes()
		if got, err := b.SwitchedOff(t.Context()); err != nil || !slices.Equal(got, []Switched{itglue, rmm}) {
			t.Errorf("got %+v, error %v", got, err)
		}
		if b.Writes() != writes {
			t.Error("a look at them writes")
		}
		for _, want := range []bool{true, false} {
			if was, err := b.SwitchOn(t.Context(), "rmm"); err != nil || was != want {
				t.Errorf("it was off: %v, error %v", was, err)
			}
		}
		if got, err := b.SwitchedOff(t.Context()); err != nil || !slices.Equal(got, []Switched{itglue}) {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
}

func TestSwitchesOfAStoreThatCannotBeUsedAreErrors(t *testing.T) {
	p := inSQLite(t)
	idle := p.prepare(t)
	if err := idle.SwitchOff(t.Context(), Switched{Name: "rmm"}); err == nil {
		t.Error("it was switched off")
	}
	if _, err := idle.SwitchOn(t.Context(), "rmm"); err == nil {
		t.Error("it was switched on")
	}
	if _, err := idle.SwitchedOff(t.Context()); err == nil {
		t.Error("they were read")
	}
}
