package identity

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

var keyForm = regexp.MustCompile(`^psagate_[0-9A-Za-z]{43}([0-9A-Za-z]{6})$`)

// isKey says whether a text is a key: the form said once more, with the checksum by another way.
func isKey(text string) bool {
	m := keyForm.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	sum := big.NewInt(int64(crc32.ChecksumIEEE([]byte(text[:len(text)-6])))).Text(62)
	return strings.Repeat("0", 6-len(sum))+sum == m[1]
}

// FuzzParseKey: a text is a key, or mistyped, or none of ours, and no error shows it; a key reads back as itself; no wrong
// character, no exchange of neighbours, nothing left out or put in passes.
func FuzzParseKey(f *testing.F) {
	f.Add(make([]byte, 32), "psagate_x", 0, byte('a'))
	f.Add(bytes.Repeat([]byte{7}, 32), goldenKey, 48, byte('Z'))
	f.Fuzz(func(t *testing.T, bits []byte, text string, at int, other byte) {
		checkParsed(t, text)
		checkParsed(t, strings.Replace(goldenKey, goldenKey[at&7:at&7+3], text, 1))
		key, err := NewKey(bytes.NewReader(bits))
		if (err == nil) != (len(bits) >= 32) {
			t.Fatalf("%d bytes of random: %v", len(bits), err)
		}
		if err != nil {
			return
		}
		good := key.Reveal()
		checkParsed(t, good)
		if !isKey(good) {
			t.Fatalf("the new key %s has not the form", good)
		}
		checkTypingErrors(t, good, len(prefix)+int(uint(at)%uint(bodyLen+checksumLen)), other)
	})
}

func checkParsed(t *testing.T, text string) {
	t.Helper()
	key, err := ParseKey(text)
	if (err == nil) != isKey(text) {
		t.Fatalf("%q: %v", text, err)
	}
	if err == nil {
		sum := sha256.Sum256([]byte(text))
		if hash := key.Hash(); key.Reveal() != text || hash != Hash(sum) || hash.ID() != hex.EncodeToString(sum[:4]) || strings.Contains(fmt.Sprintf("%v %+v %#v %q", key, key, key, key), text) {
			t.Fatalf("%q became %q with hash %s", text, key.Reveal(), key.Hash())
		}
		return
	}
	ours := strings.HasPrefix(text, "psagate_")
	if key.Reveal() != "" || errors.Is(err, ErrMistyped) != ours || errors.Is(err, ErrNotAKey) == ours {
		t.Fatalf("%q became %q, %v", text, key.Reveal(), err)
	}
	if tail := strings.TrimPrefix(text, "psagate_"); len(tail) > 12 && strings.Contains(err.Error(), tail[:12]) && !strings.Contains(errorWords, tail[:12]) {
		t.Fatalf("%q: the error shows it: %v", text, err)
	}
}

// errorWords are what the errors say of any text.
var errorWords = func() string {
	var all string
	for _, text := range []string{"", "psagate_", "psagate_" + strings.Repeat("-", 49), "psagate_" + strings.Repeat("0", 49)} {
		_, err := ParseKey(text)
		all += fmt.Sprintln(err)
	}
	return all
}()

// checkTypingErrors makes each typing error at one place of a good key.
func checkTypingErrors(t *testing.T, good string, at int, other byte) {
	t.Helper()
	wrong := []byte(good)
	if wrong[at] = other; string(wrong) != good {
		mustBeMistyped(t, wrong)
	}
	swapped := []byte(good)
	if next := at + 1; next < len(swapped) && swapped[at] != swapped[next] {
		swapped[at], swapped[next] = swapped[next], swapped[at]
		mustBeMistyped(t, swapped)
	}
	mustBeMistyped(t, []byte(good[:at]+good[at+1:]))
	mustBeMistyped(t, []byte(good[:at]+string(rune(other))+good[at:]))
}
