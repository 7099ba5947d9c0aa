package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestWhatIsSaidBeforeAPutIsTrue(t *testing.T) {
	three := uint64(3)
	for name, c := range map[string]struct {
		w     Writing
		ahead bool
		says  string
		not   string
	}{
		"ahead beside what serves":      {Writing{Version: 3, Next: 4, Serving: &three}, true, "what serves now serves on", "no call"},
		"ahead where nothing serves":    {Writing{Version: 3, Next: 4}, true, "no call is served, as now", "serves on"},
		"after a version that is gone":  {Writing{Next: 6}, false, "whose version 5 was deleted\nThe new password is shown to the PSA once, before anything is written:\n  accepted  it is written as version 6,", "not there yet"},
		"the first version":             {Writing{Next: 1}, false, "which is not there yet", "deleted"},
		"nothing can be tried":          {Writing{Version: 3, Next: 4, Hopeless: "spent"}, false, "Nothing can be shown to the PSA now", "is shown to the PSA once"},
		"nothing has to be tried first": {Writing{Version: 3, Next: 4, Hopeless: "spent"}, true, "is written at once, as version 4", "Nothing can"},
		"as another user":               {Writing{Version: 3, Next: 4, User: "x@example.com", UserUnits: &UserUnits{Budget: 5, Free: 3}}, false, "shown as x@example.com, whose sign-ins are counted by themselves: 3 of 5", "  !"},
	} {
		var out bytes.Buffer
		Printer{Out: &out}.Writing(c.w, c.ahead)
		if text := out.String(); !strings.Contains(text, c.says) || strings.Contains(text, c.not) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
