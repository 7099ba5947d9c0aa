package thread_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

func TestOnlyOurOwnProbesAreTakenForOwnMail(t *testing.T) {
	key := func(letter byte) thread.Keys {
		k, err := thread.NewKeys(bytes.Repeat([]byte{letter}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ours, theirs := key('a'), key('b')
	value := ours.Probe("WORD")
	for name, c := range map[string]struct {
		value string
		own   bool
	}{
		"ours":                 {value, true},
		"in other letters":     {strings.Replace(value, value[5:], strings.ToUpper(value[5:]), 1), true},
		"somebody else's key":  {theirs.Probe("WORD"), false},
		"another word":         {strings.Replace(value, "WORD", "WORK", 1), false},
		"a mark":               {"WORD " + ours.Mark("WORD"), false},
		"no word":              {" " + value[5:], false},
		"forged":               {"yes", false},
		"nothing":              {"", false},
		"a word and a bit":     {"WORD a", false},
		"of a longer sentence": {"MY " + value, false},
	} {
		header, _ := message.ReadHeader([]byte("Message-ID: <rewritten@example.com>\r\n" + thread.ProbeField + ": " + c.value + "\r\n\r\n"))
		if ours.Own(header) != c.own || ours.IsProbe(header) != c.own {
			t.Errorf("%s: %q is taken for ours: %v", name, c.value, !c.own)
		}
	}
	if none := (thread.Keys{}); none.Probe("WORD") != "" {
		t.Error("without keys something is signed")
	}
}
