package nearest

import "testing"

func TestDistanceCountsInsertionsDeletionsAndReplacements(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"main", "mian", 2}, {"same", "same", 0}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestANearWordIsFoundAndAFarOneIsNot(t *testing.T) {
	known := []string{"lockout", "linger", "queue"}
	if word, near := Word("lockuot", known); word != "lockout" || !near {
		t.Errorf("%s %v", word, near)
	}
	if _, near := Word("elephant", known); near {
		t.Error("an elephant is near")
	}
	if _, near := Word("x", nil); near {
		t.Error("nothing is near")
	}
}
