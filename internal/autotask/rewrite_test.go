package autotask

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	psaHost = "webservices5.autotask.net"
	gateway = "https://psa.example.com/gw"
)

func leadsToPSA(u *url.URL) bool { return strings.EqualFold(u.Hostname(), psaHost) }

func rewriteAll(t testing.TB, src io.Reader) string {
	t.Helper()
	out, err := io.ReadAll(NewRewriter(src, gateway, leadsToPSA))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// smallReads reads through p of n bytes.
func smallReads(t testing.TB, r io.Reader, n int) string {
	t.Helper()
	var out strings.Builder
	if _, err := io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{r}, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPageURLsArePointedAtTheGateway(t *testing.T) {
	t.Parallel()
	const psa = "https://" + psaHost
	for name, c := range map[string]struct{ in, want string }{
		"next page": {
			`{"items":[],"pageDetails":{"count":0,"prevPageUrl":null,"nextPageUrl":"` + psa + `/ATServicesRest/V1.0/Tickets/query/next?paging=%7b%22a%22%7d&search=x"}}`,
			`{"items":[],"pageDetails":{"count":0,"prevPageUrl":null,"nextPageUrl":"` + gateway + `/ATServicesRest/V1.0/Tickets/query/next?paging=%7b%22a%22%7d&search=x"}}`,
		},
		"both, and the details first": {
			`{"pageDetails":{"prevPageUrl":"` + psa + `/ATServicesRest/a","nextPageUrl":"` + psa + `/ATServicesRest/b"},"items":[1]}`,
			`{"pageDetails":{"prevPageUrl":"` + gateway + `/ATServicesRest/a","nextPageUrl":"` + gateway + `/ATServicesRest/b"},"items":[1]}`,
		},
		"white space everywhere": {
			" \r\n\t{ \"pageDetails\" : { \"nextPageUrl\" : \"" + psa + "/ATServicesRest/b\" } , \"a\" : -1.5e+3 } ",
			" \r\n\t{ \"pageDetails\" : { \"nextPageUrl\" : \"" + gateway + "/ATServicesRest/b\" } , \"a\" : -1.5e+3 } ",
		},
		"escaped slashes": {
			`{"pageDetails":{"nextPageUrl":"https:\/\/` + psaHost + `\/ATServicesRest\/V1.0\/x?a=\u0026b\/c"}}`,
			`{"pageDetails":{"nextPageUrl":"` + gateway + `\/ATServicesRest\/V1.0\/x?a=\u0026b\/c"}}`,
		},
		"escapes in the host": {
			`{"pageDetails":{"nextPageUrl":"\u0068ttps:\u002f\u002Fwebservices5\u002eautotask.net/ATServicesRest/x"}}`,
			`{"pageDetails":{"nextPageUrl":"` + gateway + `/ATServicesRest/x"}}`,
		},
		"any case, in keys too, and a port": {
			`{"PAGEDETAILS":{"NextPageURL":"HTTPS://WEBSERVICES5.AUTOTASK.NET:443/atservicesrest/V1.0/x"}}`,
			`{"PAGEDETAILS":{"NextPageURL":"` + gateway + `/atservicesrest/V1.0/x"}}`,
		},
		"escapes in keys": {
			`{"p\u0061geDetails":{"\u006eextPageUrl":"` + psa + `/ATServicesRest/x"}}`,
			`{"p\u0061geDetails":{"\u006eextPageUrl":"` + gateway + `/ATServicesRest/x"}}`,
		},
		"double slashes": {
			`{"pageDetails":{"nextPageUrl":"` + psa + `/ATServicesRest//V1.0/x"}}`,
			`{"pageDetails":{"nextPageUrl":"` + gateway + `/ATServicesRest//V1.0/x"}}`,
		},
		"a prefix before the interface goes": {
			`{"pageDetails":{"nextPageUrl":"` + psa + `/farm7/ATServicesRest/x?y=/ATServicesRest/z"}}`,
			`{"pageDetails":{"nextPageUrl":"` + gateway + `/ATServicesRest/x?y=/ATServicesRest/z"}}`,
		},
		"no interface in the path": {
			`{"pageDetails":{"nextPageUrl":"` + psa + `?y=/ATServicesRest/z"}}`,
			`{"pageDetails":{"nextPageUrl":"` + gateway + `?y=/ATServicesRest/z"}}`,
		},
		"a byte order mark": {
			"\xef\xbb\xbf" + `{"pageDetails":{"nextPageUrl":"` + psa + `/ATServicesRest/x"}}`,
			"\xef\xbb\xbf" + `{"pageDetails":{"nextPageUrl":"` + gateway + `/ATServicesRest/x"}}`,
		},
		"strings that end in escapes before it": {
			`{"items":[{"a\\":"b\\\"","c":"\"}]}"},"\\"],"d\"":"\\\\","pageDetails":{"e":"\"","nextPageUrl":"` + psa + `/x\\","prevPageUrl":"` + psa + `/\"y"}}`,
			`{"items":[{"a\\":"b\\\"","c":"\"}]}"},"\\"],"d\"":"\\\\","pageDetails":{"e":"\"","nextPageUrl":"` + gateway + `/x\\","prevPageUrl":"` + gateway + `/\"y"}}`,
		},
		"keys that come twice": {
			`{"pageDetails":{"nextPageUrl":"` + psa + `/1","nextPageUrl":"` + psa + `/2"},"pageDetails":{"nextPageUrl":"` + psa + `/3"}}`,
			`{"pageDetails":{"nextPageUrl":"` + gateway + `/1","nextPageUrl":"` + gateway + `/2"},"pageDetails":{"nextPageUrl":"` + gateway + `/3"}}`,
		},
	} {
		for size := 1; size <= len(c.in)+1; size++ {
			if got := smallReads(t, NewRewriter(strings.NewReader(c.in), gateway+"/", leadsToPSA), size); got != c.want {
				t.Fatalf("%s, reads of %d:\n got %s\nwant %s", name, size, got, c.want)
			}
		}
		if got := rewriteAll(t, iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(c.in)))); got != c.want {
			t.Errorf("%s, a byte at a time:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestEverythingElsePassesToTheByte(t *testing.T) {
	t.Parallel()
	const target = `"https://` + psaHost + `/ATServicesRest/V1.0/x"`
	for name, in := range map[string]string{
		"nothing":                              "",
		"white space":                          " \n ",
		"half a byte order mark":               "\xef\xbb" + `{"pageDetails":{"nextPageUrl":` + target + `}}`,
		"a URL in a record":                    `{"items":[{"nextPageUrl":` + target + `,"pageDetails":{"nextPageUrl":` + target + `}}]}`,
		"a URL in a single record":             `{"item":{"pageDetails":{"nextPageUrl":` + target + `}}}`,
		"a URL at the top":                     `{"nextPageUrl":` + target + `}`,
		"a URL deeper in the details":          `{"pageDetails":{"x":{"nextPageUrl":` + target + `},"y":[` + target + `]}}`,
		"another key":                          `{"pageDetails":{"nextPageUrl2":` + target + `,"next":` + target + `,"pageDetails":` + target + `}}`,
		"details in an array":                  `{"pageDetails":[{"nextPageUrl":` + target + `}]}`,
		"details that are a string":            `{"pageDetails":` + target + `}`,
		"an array at the top":                  `[{"pageDetails":{"nextPageUrl":` + target + `}}]`,
		"a string at the top":                  target,
		"a second object":                      `{}{"pageDetails":{"nextPageUrl":` + target + `}}`,
		"a foreign host":                       `{"pageDetails":{"nextPageUrl":"https://evil.example.com/ATServicesRest/x"}}`,
		"the PSA's host as user":               `{"pageDetails":{"nextPageUrl":"https://webservices5.autotask.net@evil.example.com/x"}}`,
		"a backslash behind the host":          `{"pageDetails":{"nextPageUrl":"https://webservices5.autotask.net\\@evil.example.com/x"}}`,
		"a relative URL":                       `{"pageDetails":{"nextPageUrl":"/ATServicesRest/x"}}`,
		"no scheme":                            `{"pageDetails":{"nextPageUrl":"//webservices5.autotask.net/x"}}`,
		"another scheme":                       `{"pageDetails":{"nextPageUrl":"ftp://webservices5.autotask.net/x"}}`,
		"a page URL that is a number":          `{"pageDetails":{"nextPageUrl":17,"prevPageUrl":true}}`,
		"a string with a broken escape":        `{"pageDetails":{"nextPageUrl":"https:\u00zz//webservices5.autotask.net/x"}}`,
		"letters that only look like a scheme": `{"pageDetails":{"nextPageUrl":"\u0168ttps://webservices5.autotask.net/x"}}`,
		"a key that is no string":              `{7:1,"pageDetails":{"nextPageUrl":` + target + `}}`,
		"a comma too many":                     `{"a":1,,"pageDetails":{"nextPageUrl":` + target + `}}`,
		"a comma at the end":                   `{"pageDetails":{"count":1,},"pageDetails":{"nextPageUrl":` + target + `}}`,
		"a colon missing":                      `{"a" "pageDetails":{"nextPageUrl":` + target + `}}`,
		"a value missing":                      `{"a":,"pageDetails":{"nextPageUrl":` + target + `}}`,
		"escaped quotes":                       `{"a":"\"pageDetails\":{\"nextPageUrl\":\"https://webservices5.autotask.net/\"}\\","b":"\\\\\""}`,
		"HTML":                                 `<html>"https://webservices5.autotask.net/ATServicesRest/"</html>`,
		"a long key":                           `{"` + strings.Repeat("p", 200) + `":{"nextPageUrl":` + target + `}}`,
		"a key spelled too long":               `{"` + strings.Repeat(`\u0070`, 200) + `":{"nextPageUrl":` + target + `}}`,
		"a broken key":                         `{"\x":{"nextPageUrl":` + target + `}}`,
		"the PSA's host as an endless user":    `{"pageDetails":{"nextPageUrl":"https://webservices5.autotask.net:` + strings.Repeat("0", 5000) + `@evil.example.com/"}}`,
		"an endless host":                      `{"pageDetails":{"nextPageUrl":"https://` + strings.Repeat("a", 5000) + `"}}`,
	} {
		for _, size := range []int{1, 2, 3, 7, 512, 1 << 16} {
			if got := smallReads(t, NewRewriter(strings.NewReader(in), gateway, leadsToPSA), size); got != in {
				t.Errorf("%s, reads of %d:\n got %s\nfrom %s", name, size, got, in)
			}
		}
	}
}

func TestAnAnswerCutAnywherePassesAsFarAsItCame(t *testing.T) {
	t.Parallel()
	const whole = `{"items":[{"a":"b\\\"c"}],"pageDetails":{"nextPageUrl":"https:\/\/webservices5.autotask.net/ATServicesRest/x\\"}}`
	urlEnd := strings.Index(whole, `x\\"`) + 4
	for n := range whole {
		want := whole[:n]
		if n >= urlEnd {
			want = strings.Replace(want, `https:\/\/webservices5.autotask.net`, gateway, 1)
		}
		if got := rewriteAll(t, strings.NewReader(whole[:n])); got != want {
			t.Errorf("cut at %d:\n got %s\nwant %s", n, got, want)
		}
	}
}

func TestAPageURLOfMoreThan64KiBIsRewrittenAndWhatFollowsIsStillRead(t *testing.T) {
	t.Parallel()
	for _, pad := range []int{maxHeld - 100, maxHeld, maxHeld + 1, 3 * maxHeld} {
		long := "https://" + psaHost + "/ATServicesRest/" + strings.Repeat(`\\`, pad/2)
		in := `{"pageDetails":{"nextPageUrl":"` + long + `","prevPageUrl":"https://` + psaHost + `/p"}}`
		want := strings.ReplaceAll(in, "https://"+psaHost, gateway)
		if rewriteAll(t, strings.NewReader(in)) != want {
			t.Errorf("a URL of %d bytes came out otherwise", len(long))
		}
		if smallReads(t, NewRewriter(strings.NewReader(in), gateway, leadsToPSA), 1000) != want {
			t.Errorf("a URL of %d bytes, in small reads, came out otherwise", len(long))
		}
	}
}

func TestTheSourcesErrorComesAfterWhatItGave(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, in := range []string{`{"a":1`, `{"pageDetails":{"nextPageUrl":"https://webserv`, ""} {
		out, err := io.ReadAll(NewRewriter(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), gateway, leadsToPSA))
		if string(out) != in || !errors.Is(err, broken) {
			t.Errorf("%q: %q, %v", in, out, err)
		}
	}
	r := NewRewriter(strings.NewReader("x"), gateway, leadsToPSA)
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("a read into nothing: %d, %v", n, err)
	}
}

// endless gives n bytes of one string of a record.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	p = p[:min(len(p), e.n)]
	for i := range p {
		p[i] = 'x'
	}
	e.n -= len(p)
	return len(p), nil
}

func TestTheMemoryDoesNotGrowWithTheAnswer(t *testing.T) {
	buf := make([]byte, 32<<10)
	run := func(size int) float64 {
		return testing.AllocsPerRun(3, func() {
			src := io.MultiReader(strings.NewReader(`{"items":[{"a":"`), &endless{size}, strings.NewReader(`"}],"pageDetails":{}}`))
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{NewRewriter(src, gateway, leadsToPSA)}, buf); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := run(1<<10), run(64<<20); large > small+2 {
		t.Errorf("1 KiB: %v allocations, 64 MiB: %v", small, large)
	}
}

func TestALocationLeadsToTheGatewayOrNowhere(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"https://webservices5.autotask.net/ATServicesRest/V1.0/Tickets/1?a=b#c": gateway + "/ATServicesRest/V1.0/Tickets/1?a=b#c",
		"http://WEBSERVICES5.autotask.net:80/atservicesrest/":                   gateway + "/atservicesrest/",
		"https://webservices5.autotask.net":                                     gateway,
		"https://webservices5.autotask.net/office/ATServices/1.6/atws.asmx":     gateway + "/ATServices/1.6/atws.asmx",
		"/ATServicesRest/V1.0/Tickets/1":                                        gateway + "/ATServicesRest/V1.0/Tickets/1",
		"/elsewhere":                                                            gateway + "/elsewhere",
		"//evil.example.com/x":                                                  "",
		`/\evil.example.com/x`:                                                  "",
		"https://evil.example.com/ATServicesRest/":                              "",
		"https://webservices5.autotask.net@evil.com/x":                          "",
		`https://webservices5.autotask.net\@evil.com/`:                          "",
		"javascript:alert(1)":                                                   "",
		"relative":                                                              "",
		"/x\r\nSet-Cookie: a=b":                                                 "",
		"https:///x":                                                            "",
		"":                                                                      "",
	} {
		if got := RewriteLocation(location, gateway+"/", leadsToPSA); got != want {
			t.Errorf("%q becomes %q, want %q", location, got, want)
		}
	}
}

func benchmarkRewriter(b *testing.B, record string) {
	body := []byte(`{"items":[` + strings.Repeat(record+",", 4<<20/len(record)) + record + `],"pageDetails":{"nextPageUrl":"https://` + psaHost + `/ATServicesRest/x"}}`)
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewRewriter(bytes.NewReader(body), gateway, leadsToPSA)
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRewriterAttachments(b *testing.B) {
	benchmarkRewriter(b, `{"id":1,"data":"`+strings.Repeat("QUJD", 64<<10)+`"}`)
}

func BenchmarkRewriterTickets(b *testing.B) {
	benchmarkRewriter(b, `{"id":29683,"companyID":175,"title":"Printer \"out\" of paper","status":1,"queueID":5,"userDefinedFields":[{"name":"a","value":null}],"description":"The printer on the second floor is out of paper.\r\nAgain."}`)
}
