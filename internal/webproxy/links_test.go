package webproxy

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func links(zone, public string) Links {
	z, _ := url.Parse(zone)
	p, _ := url.Parse(public)
	return NewLinks(z, p)
}

func TestAddressesOfTheZoneBecomeTheGateways(t *testing.T) {
	live := links("https://ww5.autotask.net/", "https://psa.example.com")
	sim := links("http://127.0.0.1:5005/", "https://psa.example.com:8443")
	for _, tc := range []struct {
		of       Links
		in, want string
	}{
		{live, `<a href="https://ww5.autotask.net/Mvc/X?a=1">`, `<a href="https://psa.example.com/Mvc/X?a=1">`},
		{live, `HTTPS://WW5.Autotask.NET/x`, `https://psa.example.com/x`},
		{live, `http://ww5.autotask.net`, `https://psa.example.com`},
		{live, `src='//ww5.autotask.net/x.js'`, `src='//psa.example.com/x.js'`},
		{live, `"https:\/\/ww5.autotask.net\/x"`, `"https:\/\/psa.example.com\/x"`},
		{live, `"https:\u002F\u002Fww5.autotask.net"`, `"https:\u002F\u002Fpsa.example.com"`},
		{live, `"https\u003A\u002F\u002Fww5.autotask.net"`, `"https\u003A\u002F\u002Fpsa.example.com"`},
		{live, `?r=https%3A%2F%2Fww5.autotask.net%2Fx`, `?r=https%3A%2F%2Fpsa.example.com%2Fx`},
		{live, `?r=https%253a%252f%252fww5.autotask.net`, `?r=https%253a%252f%252fpsa.example.com`},
		{live, `href="https&#58;&#47;&#47;ww5.autotask.net"`, `href="https&#58;&#47;&#47;psa.example.com"`},
		{live, `wss://ww5.autotask.net/live`, `wss://psa.example.com/live`},
		{live, `https://ww5.autotask.net:443/x`, `https://psa.example.com/x`},
		{live, `https://ww5.autotask.net.`, `https://psa.example.com.`},
		{live, `"\nhttps://ww5.autotask.net"`, `"\nhttps://psa.example.com"`},

		{live, `https://ww3.autotask.net/x`, `https://psa.example.com/https://ww3.autotask.net/x`},
		{live, `"https:\/\/www.autotask.net\/x"`, `"https:\/\/psa.example.com\/https:\/\/www.autotask.net\/x"`},
		{live, `u=https%3A%2F%2Fww18.autotask.com%2Fx`, `u=https%3A%2F%2Fpsa.example.com%2Fhttps%3A%2F%2Fww18.autotask.com%2Fx`},

		{live, `ww5.autotask.net`, `ww5.autotask.net`},
		{live, `https://ww5.autotask.net:8080/`, `https://ww5.autotask.net:8080/`},
		{live, `https://ww5.autotask.net.evil.example/`, `https://ww5.autotask.net.evil.example/`},
		{live, `https://ww5.autotask.network/`, `https://ww5.autotask.network/`},
		{live, `https://xww5.autotask.net/`, `https://xww5.autotask.net/`},
		{live, `ftp://ww5.autotask.net/`, `ftp://ww5.autotask.net/`},
		{live, `xhttps://ww5.autotask.net/`, `xhttps://ww5.autotask.net/`},
		{live, `https://webservices5.autotask.net/`, `https://webservices5.autotask.net/`},
		{live, `https://help.autotask.net/`, `https://help.autotask.net/`},
		{live, `https://a@ww5.autotask.net/`, `https://a@ww5.autotask.net/`},

		{sim, `http://127.0.0.1:5005/x`, `https://psa.example.com:8443/x`},
		{sim, `ws://127.0.0.1:5005/x`, `wss://psa.example.com:8443/x`},
		{sim, `http%3A%2F%2F127.0.0.1%3A5005%2Fx`, `https%3A%2F%2Fpsa.example.com%3A8443%2Fx`},
		{sim, `http://127.0.0.1:50051/`, `http://127.0.0.1:50051/`},
	} {
		got := apply(tc.of.Down, tc.in)
		if got != tc.want {
			t.Errorf("%s\nbecomes %s\nwant    %s", tc.in, got, tc.want)
		}
		if got == tc.in || strings.ContainsAny(tc.in, "HW") || strings.Contains(tc.in, "443") || strings.HasPrefix(tc.in, "http://ww") {
			continue
		}
		if back := apply(tc.of.Up, got); back != tc.in {
			t.Errorf("%s\ncomes back as %s", tc.in, back)
		}
	}
}

func TestALinkTypedByAPersonIsStoredWithThePSAsAddress(t *testing.T) {
	l := links("https://ww5.autotask.net/", "http://localhost:8080")
	if got := apply(l.Up, "see http://localhost:8080/Mvc/X and http://localhost:80801/"); got != "see https://ww5.autotask.net/Mvc/X and http://localhost:80801/" {
		t.Fatal(got)
	}
}

// fragments are what addresses are made of and what stands about them.
var fragments = []string{
	"https://ww5.autotask.net", "https:\\/\\/ww5.autotask.net", "https%3A%2F%2Fww5.autotask.net", "//ww5.autotask.net", "wss://ww5.autotask.net",
	"https://ww3.autotask.net", "https:\\/\\/ww18.autotask.com", "https%3A%2F%2Fwww.autotask.net", "https://webservices5.autotask.net", "ww5.autotask.net", "autotask.",
	"https:", "//", "/", ":", ".", "x", " ", "\"", "%2F", "%", "\\", "443", "\xff", "é", strings.Repeat("a", 900),
}

func TestWhatIsTurnedAndTurnedBackIsTheSame(t *testing.T) {
	l := links("https://ww5.autotask.net/", "https://psa.example.com")
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 40).Draw(t, "fragments"), "")
		text = strings.ReplaceAll(text, ":443", ":44")
		down := apply(l.Down, text)
		if back := apply(l.Up, down); back != text {
			t.Fatalf("%q\nbecomes %q\nand then %q", text, down, back)
		}
	})
}

// few gives a few bytes at once.
type few struct{ io.Reader }

func (f few) Read(p []byte) (int, error) { return f.Reader.Read(p[:min(len(p), 37)]) }

func TestAStreamIsEditedAsTheWholeIs(t *testing.T) {
	l := links("https://ww5.autotask.net/", "https://psa.example.com")
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 30).Draw(t, "fragments"), "")
		var r io.Reader = strings.NewReader(text)
		if rapid.Bool().Draw(t, "slowly") {
			r = few{r}
		}
		got, err := io.ReadAll(stream(io.NopCloser(r), l.Down))
		if want := apply(l.Down, text); err != nil || string(got) != want {
			t.Fatalf("%v\n%q\n%q", err, got, want)
		}
	})
}

func TestWhatBreaksOffIsNotTakenForWhole(t *testing.T) {
	l := links("https://ww5.autotask.net/", "https://psa.example.com")
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader("see https://ww5.autotask.net/"), iotest.ErrReader(broken))
	got, err := io.ReadAll(stream(io.NopCloser(r), l.Down))
	if !errors.Is(err, broken) || string(got) != "see https://psa.example.com/" {
		t.Fatalf("%q, %v", got, err)
	}
}

func FuzzLinks(f *testing.F) {
	for _, seed := range fragments {
		f.Add([]byte("a" + seed + "/b"))
	}
	l := links("https://ww5.autotask.net/", "https://psa.example.com")
	f.Fuzz(func(t *testing.T, text []byte) {
		down := apply(l.Down, string(text))
		got, err := io.ReadAll(stream(io.NopCloser(bytes.NewReader(text)), l.Down))
		if err != nil || string(got) != down {
			t.Fatalf("streamed %q, whole %q, %v", got, down, err)
		}
		lowered := string(asciiLower(text))
		if !strings.Contains(lowered, "autotask") && down != string(text) {
			t.Fatalf("%q became %q", text, down)
		}
	})
}
