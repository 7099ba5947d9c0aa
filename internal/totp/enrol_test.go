package totp

import (
	"bytes"
	"errors"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
)

func TestAnEnrolmentCountsOnceItIsConfirmed(t *testing.T) {
	w := newWorld(t)
	begun, a := w.begin(Beginning{Person: ann, Account: "ann@example.com"})
	if _, err := w.Verify(t.Context(), from(ann, home), w.code(a, 0)); err != ErrNotEnrolled {
		t.Errorf("before: %v", err)
	}
	for range 3 {
		if _, err := w.Confirm(t.Context(), ann, begun.ID, w.wrong(a)); err != ErrWrong {
			t.Errorf("a wrong code: %v", err)
		}
	}
	again, err := w.Begun(t.Context(), Beginning{Person: ann, Account: "ann@example.com"}, begun.ID)
	if err != nil || !again.URI.Equal(begun.URI) || !again.Secret.Equal(begun.Secret) {
		t.Errorf("the page once more: %v", err)
	}
	if s, err := w.Status(t.Context(), ann); err != nil || s.Enrolled || !s.BegunUntil.Equal(w.now.Add(10*time.Minute)) {
		t.Errorf("%+v, error %v", s, err)
	}
	code := w.code(a, 0)
	done, err := w.Confirm(t.Context(), ann, begun.ID, code)
	if err != nil || len(done.Recovery) != 10 || done.Browser.Reveal() == "" {
		t.Fatalf("%d recovery codes, error %v", len(done.Recovery), err)
	}
	if s, err := w.Status(t.Context(), ann); err != nil || !s.Enrolled || s.RecoveryLeft != 10 || !s.Since.Equal(w.now) || !s.BegunUntil.IsZero() {
		t.Errorf("%+v, error %v", s, err)
	}
	if _, err := w.Verify(t.Context(), from(ann, home), code); err != ErrUsed {
		t.Errorf("the code that confirmed it: %v", err)
	}
	if _, err := w.Confirm(t.Context(), ann, begun.ID, w.code(a, 30*time.Second)); err != ErrNotBegun {
		t.Errorf("a second time: %v", err)
	}
	if _, err := w.Verify(t.Context(), from(ann, home), w.code(a, 30*time.Second)); err != nil {
		t.Errorf("the next code: %v", err)
	}
}

func TestABeginningEnds(t *testing.T) {
	for what, end := range map[string]func(w *world, begun Enrolling, a app){
		"ten minutes later":      func(w *world, _ Enrolling, _ app) { w.pass(10 * time.Minute) },
		"when another begins":    func(w *world, _ Enrolling, _ app) { w.begin(Beginning{Person: ann}) },
		"after ten wrong codes":  func(w *world, b Enrolling, a app) { w.wrongs(10, b, a) },
		"with a reset":           func(w *world, _ Enrolling, _ app) { _, _ = w.Reset(w.t.Context(), ann) },
		"where the id is wrong":  func(w *world, b Enrolling, _ app) { *w.id(b) = "x" },
		"when it has been swept": func(w *world, _ Enrolling, _ app) { w.pass(10 * time.Minute); _, _, _ = w.Sweep(w.t.Context()) },
	} {
		w := newWorld(t)
		begun, a := w.begin(Beginning{Person: ann})
		end(w, begun, a)
		if _, err := w.Confirm(t.Context(), ann, begun.ID, w.code(a, 0)); err != ErrNotBegun {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := w.Begun(t.Context(), Beginning{Person: ann}, begun.ID); err != ErrNotBegun {
			t.Errorf("%s, the page: %v", what, err)
		}
		w.enrol(ann) // and another may begin
	}
}

// wrongs confirms with wrong codes.
func (w *world) wrongs(n int, b Enrolling, a app) {
	for range n {
		if _, err := w.Confirm(w.t.Context(), ann, b.ID, w.wrong(a)); err != ErrWrong {
			w.t.Error(err)
		}
	}
}

// id is that of what has begun in the store.
func (w *world) id(Enrolling) *string { return &w.store.people[ann].Next.ID }

func TestAConfirmedEnrolmentIsNotReplacedByASessionAlone(t *testing.T) {
	w := newWorld(t)
	old := w.enrol(ann)
	if _, err := w.Begin(t.Context(), Beginning{Person: ann}); err != ErrEnrolled {
		t.Errorf("without a step-up: %v", err)
	}
	begun, next := w.begin(Beginning{Person: ann, SteppedUp: true, Settings: Settings{SHA256, 8, time.Minute}})
	if _, err := w.Verify(t.Context(), from(ann, home), w.code(old, 0)); err != nil {
		t.Errorf("the old app before the new one is confirmed: %v", err)
	}
	if _, err := w.Confirm(t.Context(), ann, begun.ID, w.code(next, 0)); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute)
	if _, err := w.Verify(t.Context(), from(ann, home), w.code(old, 0)); !errors.As(err, new(FormError)) {
		t.Errorf("the old app: %v", err)
	}
	if _, err := w.Recover(t.Context(), from(ann, home), old.recovery[0]); err != ErrWrong {
		t.Errorf("an old recovery code: %v", err)
	}
	a := from(ann, home)
	a.Browser = old.browser
	if p, err := w.Verify(t.Context(), a, w.code(next, 0)); err != nil || p.Known {
		t.Errorf("the browser of the old app is known: %v, error %v", p.Known, err)
	}
	if was, err := w.Reset(t.Context(), ann); err != nil || !was {
		t.Errorf("reset: %v, error %v", was, err)
	}
	if was, err := w.Reset(t.Context(), ann); err != nil || was {
		t.Errorf("a second reset: %v, error %v", was, err)
	}
	w.begin(Beginning{Person: ann})
}

func TestSettingsAndPersonsAreChecked(t *testing.T) {
	w := newWorld(t)
	for what, b := range map[string]Beginning{
		"SHA512":              {Person: ann, Settings: Settings{Algorithm: SHA512}},
		"seven digits":        {Person: ann, Settings: Settings{Digits: 7}},
		"45 seconds":          {Person: ann, Settings: Settings{Period: 45 * time.Second}},
		"no subject":          {Person: Person{Issuer: "x"}},
		"no issuer":           {Person: Person{Subject: "x"}},
		"a subject with NUL":  {Person: Person{"x", "a\x00b"}},
		"a subject of bytes":  {Person: Person{"x", "a\xff"}},
		"a subject of a book": {Person: Person{"x", strings.Repeat("a", 1025)}},
	} {
		if _, err := w.Begin(t.Context(), b); err == nil || strings.Contains(err.Error(), "\x00") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Verify(t.Context(), Attempt{Person: ann, Address: home}, "123456"); err != errNoSession {
		t.Errorf("no session: %v", err)
	}
	if _, err := w.Verify(t.Context(), from(Person{}, home), "123456"); err == nil {
		t.Error("nobody is verified")
	}
	for _, code := range []string{"", "12345", "１２３４５６"} {
		if _, err := w.Confirm(t.Context(), ann, "x", code); !errors.As(err, new(FormError)) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestTheURIIsOfTheKeyUriFormat(t *testing.T) {
	w := newWorld(t)
	for account, want := range map[string]string{
		"ann@example.com":             "ann@example.com",
		"a:b\x00\u202ec&secret=x":     "abc&secret=x",
		"":                            "ann",
		"\xff":                        "ann",
		"ännchen müller":              "ännchen müller",
		strings.Repeat("ü", 200):      strings.Repeat("ü", 64),
		"</script><script>alert(1)//": "</script><script>alert(1)//",
	} {
		begun, _ := w.begin(Beginning{Person: ann, Account: account, Settings: Settings{SHA256, 8, time.Minute}})
		u, err := url.Parse(begun.URI.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/psagate demo:"+want || q.Get("issuer") != "psagate demo" ||
			q.Get("algorithm") != "SHA256" || q.Get("digits") != "8" || q.Get("period") != "60" || len(q) != 5 ||
			q.Get("secret") != strings.ReplaceAll(begun.Secret.Reveal(), " ", "") || strings.ContainsAny(u.RawQuery, "+ ") {
			t.Errorf("%q: the path is %q, the query is otherwise than it should be or so is the path", account, u.Path)
		}
	}
}

// zbarimg reads QR codes as a phone does.
func TestTheQRCodeIsReadByAnotherProgram(t *testing.T) {
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		realparts.LeftOut(t, "zbarimg, which reads QR codes. On Debian: apt-get install zbar-tools")
	}
	w := newWorld(t)
	for account, s := range map[string]Settings{"ann@example.com": {}, strings.Repeat("ü", 64): {SHA256, 8, time.Minute}} {
		begun, _ := w.begin(Beginning{Person: ann, Account: account, Settings: s})
		for _, pixels := range []int{300, 1000} {
			picture, err := begun.PNG(pixels)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width != pixels || c.Height != pixels {
				t.Errorf("%d x %d, error %v", c.Width, c.Height, err)
			}
			path := filepath.Join(t.TempDir(), "qr.png")
			if err := os.WriteFile(path, picture, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), reader, "--quiet", "--raw", path).Output()
			if err != nil || strings.TrimSpace(string(out)) != begun.URI.Reveal() {
				t.Errorf("%d pixels: it is read as another text, error %v", pixels, err)
			}
		}
		for _, pixels := range []int{0, 100, 1 << 20} {
			if _, err := begun.PNG(pixels); err != errPicture {
				t.Errorf("%d pixels: %v", pixels, err)
			}
		}
	}
}
