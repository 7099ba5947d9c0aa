package totp

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
	"github.com/psagate/psagate/internal/secret"
)

// vectors are those of RFC 6238, appendix B. The seeds are as long as the hash, which the text of the RFC does not say.
var vectors = []struct {
	unix                 int64
	sha1, sha256, sha512 string
}{
	{59, "94287082", "46119246", "90693936"},
	{1111111109, "07081804", "68084774", "25091201"},
	{1111111111, "14050471", "67062674", "99943326"},
	{1234567890, "89005924", "91819424", "93441116"},
	{2000000000, "69279037", "90698825", "38618901"},
	{20000000000, "65353130", "77737706", "47863826"},
}

func TestCodesAreThoseOfTheRFC(t *testing.T) {
	for _, v := range vectors {
		for algorithm, want := range map[Algorithm]string{SHA1: v.sha1, SHA256: v.sha256, SHA512: v.sha512} {
			_, size, _ := algorithm.otp()
			key := strings.Repeat("1234567890", 7)[:size]
			for digits := range map[int]bool{6: true, 8: true} {
				seed := newSeed([]byte(key), Settings{algorithm, digits, 30 * time.Second})
				got, err := seed.Code(time.Unix(v.unix, 0))
				if err != nil || got.Text.Reveal() != want[8-digits:] {
					t.Errorf("%s at %d: %s, want %s, error %v", algorithm, v.unix, got.Text.Reveal(), want[8-digits:], err)
				}
				step, right, used := seed.match(want[8-digits:], time.Unix(v.unix, 0), 0)
				if step != v.unix/30 || !right || used {
					t.Errorf("%s at %d is the code of step %d, right %v, used %v", algorithm, v.unix, step, right, used)
				}
			}
		}
	}
}

func TestACodeSaysHowLongItIsThePresentOne(t *testing.T) {
	seed := newSeed([]byte("12345678901234567890"), Settings{}.withDefaults())
	for _, c := range []struct {
		at   time.Time
		left time.Duration
	}{
		{time.Unix(60, 0), 30 * time.Second},
		{time.Unix(60, 1), 30 * time.Second},
		{time.Unix(61, 0), 29 * time.Second},
		{time.Unix(89, 999_999_999), time.Second},
	} {
		code, err := seed.Code(c.at)
		if err != nil || code.Left(c.at) != c.left || !code.Until.Equal(time.Unix(90, 0)) {
			t.Errorf("at %d: %v left, until %v, error %v", c.at.UnixNano(), code.Left(c.at), code.Until, err)
		}
		if code.Left(c.at.Add(time.Minute)) != 0 || (secret.Code{}).Left(c.at) != 0 {
			t.Error("a code that is over has time left")
		}
	}
}

// oathtool is another's work (OATH Toolkit). It must make our codes, and take the seed as a person types it.
func TestCodesAreThoseOfOathtool(t *testing.T) {
	tool, err := exec.LookPath("oathtool")
	if err != nil {
		realparts.LeftOut(t, "oathtool, which other codes than ours come from. On Debian: apt-get install oathtool")
	}
	for _, s := range []Settings{{}, {SHA256, 8, time.Minute}, {SHA1, 8, 30 * time.Second}, {SHA256, 6, 30 * time.Second}, {SHA1, 6, time.Minute}} {
		w := newWorld(t)
		begun, a := w.begin(Beginning{Person: ann, Settings: s})
		seconds := strconv.Itoa(int(begun.Settings.Period / time.Second))
		out, err := exec.CommandContext(t.Context(), tool, "--base32", "--totp="+string(begun.Settings.Algorithm), "--digits="+strconv.Itoa(begun.Settings.Digits),
			"--time-step-size="+seconds+"s", "--now=@"+strconv.FormatInt(w.now.Unix(), 10), begun.Secret.Reveal()).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		theirs := strings.TrimSpace(string(out))
		if ours := w.code(a, 0); ours != theirs {
			t.Errorf("%+v: ours is %s, theirs %s", s, ours, theirs)
		}
		if _, err := w.Confirm(t.Context(), ann, begun.ID, theirs); err != nil {
			t.Error(err)
		}
	}
}

func TestASeedShowsNothingOfItself(t *testing.T) {
	w := newWorld(t)
	begun, a := w.begin(Beginning{Person: ann})
	code, err := a.Code(w.now)
	if err != nil {
		t.Fatal(err)
	}
	hidden := []string{a.base32.Reveal(), begun.URI.Reveal(), begun.Secret.Reveal(), code.Text.Reveal(), begun.Secret.Reveal()[:4]}
	for _, v := range []any{a.Seed, &a.Seed, a, begun, &begun, code, []Seed{a.Seed}} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprint(v) + fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v) + string(text) + log.String()
		for _, part := range hidden {
			if strings.Contains(shown, part) || strings.Contains(shown, fmt.Sprintf("%x", part)) {
				t.Errorf("%T shows a secret", v)
			}
		}
	}
}
