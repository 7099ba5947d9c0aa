package identity

import (
	"strings"
	"testing"
)

func TestAHashReadsBackAsItself(t *testing.T) {
	hash := newKey(t).Hash()
	for _, text := range []string{hash.String(), hashPrefix + strings.ToUpper(hash.String()[len(hashPrefix):])} {
		if got, err := ParseHash(text); err != nil || got != hash {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	if !strings.HasPrefix(hash.String(), hashPrefix+hash.ID()) || len(hash.ID()) != 8 {
		t.Errorf("id %s of %s", hash.ID(), hash)
	}
}

func TestAWrongHashIsExplainedAndNotShown(t *testing.T) {
	good := newKey(t).Hash().String()
	for name, test := range map[string]struct{ text, want string }{
		"the key itself":      {newKey(t).Reveal(), "this is a key, not its hash"},
		"a password":          {"hunter2hunter2", "begins with sha256:"},
		"another function":    {"md5:" + good[7:39], "begins with sha256:"},
		"too short":           {good[:len(good)-1], "this has 63"},
		"too long":            {good + "0", "this has 65"},
		"a letter too far":    {good[:len(good)-1] + "g", "only hexadecimal digits"},
		"nothing":             {"", "begins with sha256:"},
		"the prefix in vain ": {"sha256:", "this has 0"},
	} {
		_, err := ParseHash(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
			continue
		}
		if len(test.text) > len(hashPrefix) && strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: the error shows the text", name)
		}
	}
}
