package autotask

import (
	"slices"
	"testing"
)

func TestAnEntitysLabelIsOneThatWasKnownBefore(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "Tickets": "Tickets", "Tickets/Notes": "Tickets/Notes", "ThresholdInformation": "ThresholdInformation",
		"Unheard": OtherEntity, "Tickets/Unheard": OtherEntity, "Unheard/Notes": OtherEntity, "Tickets/Notes/1": OtherEntity, "Tickets/": OtherEntity, "/": OtherEntity,
	} {
		if got := EntityLabel(name); got != want {
			t.Errorf("EntityLabel(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestEveryEntitysNameIsItsOwnLabel(t *testing.T) {
	t.Parallel()
	names := EntityNames()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("the names are not in order, or one is there twice")
	}
	for _, want := range []string{"Tickets", "Tickets/Notes", "Version"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among them", want)
		}
	}
	for _, name := range names {
		if got := EntityLabel(name); got != name {
			t.Errorf("EntityLabel(%q) is %q", name, got)
		}
	}
}
