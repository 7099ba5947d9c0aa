package policyfiles

import (
	"fmt"
	"strings"
	"testing"
)

func TestAChangeIsToldOnceWhetherItIsInForceOrNot(t *testing.T) {
	inRoom(t, func(r *room) {
		var told []string
		r.settings.Told = func(err error) { told = append(told, fmt.Sprint(err)) }
		r.look()
		r.put("one.cedar", mayCreate)
		r.look()
		r.put("one.cedar", "permit (")
		r.look()
		r.look()
		r.put("one.cedar", mayRead)
		r.look()
		if len(told) != 3 || told[0] != "<nil>" || !strings.Contains(told[1], "one.cedar:1") || told[2] != "<nil>" {
			t.Errorf("%q", told)
		}
	})
}
