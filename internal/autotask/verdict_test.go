package autotask

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/guard"
)

// answerOf reads a fixture: the verdict's word, the operation, and the answer as the transport would hand it over.
func answerOf(t testing.TB, file string) (string, Operation, Answer) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := bytes.Cut(raw, []byte("\n"))
	verdict, operation, found := strings.Cut(strings.TrimPrefix(string(head), "# "), ": ")
	method, path, _ := strings.Cut(operation, " ")
	if !found {
		t.Fatalf("%s does not start with a verdict and an operation", file)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(rest)), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	if NeedsBody(mustParse(t, method, path), a.Status, a.Header) {
		a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBodyHead))
	}
	if err != nil {
		t.Fatal(err)
	}
	return verdict, mustParse(t, method, path), a
}

func fixtures(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/answers/*.http")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	return files
}

func TestEachAnswerOnFileHasItsVerdict(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, file := range fixtures(t) {
		want, op, a := answerOf(t, file)
		seen[want] = true
		if got := verdictOf(op, a); got.String() != want {
			t.Errorf("%s: %s, want %s", filepath.Base(file), got, want)
		}
	}
	for _, word := range []string{"accepted", "refused", "locked", "neutral", "no-answer"} {
		if !seen[word] {
			t.Errorf("no fixture is %s", word)
		}
	}
}

var (
	jsonHeader = http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	getTicket  = Operation{Method: "GET", Form: FormItem, Action: Read, Entity: "Tickets", ID: "1"}
)

func TestOnlyA2xxInJSONToAKnownOperationIsAccepted(t *testing.T) {
	t.Parallel()
	unknown := Operation{Method: "GET", Form: FormItem, Action: Read, Entity: "Nonsense", ID: "1"}
	for name, c := range map[string]struct {
		op     Operation
		header http.Header
		want   guard.Verdict
	}{
		"JSON":                         {getTicket, jsonHeader, guard.Accepted},
		"JSON in capitals":             {getTicket, http.Header{"Content-Type": {"Application/JSON"}}, guard.Accepted},
		"text/json":                    {getTicket, http.Header{"Content-Type": {"text/json"}}, guard.Accepted},
		"JSON to an unknown entity":    {unknown, jsonHeader, guard.Neutral},
		"JSON to a free operation":     {zoneLookup, jsonHeader, guard.Neutral},
		"JSON to a SOAP call":          {Operation{API: SOAP, Method: "POST", Form: FormASMX, Rest: "1.6"}, jsonHeader, guard.NoAnswer},
		"HTML":                         {getTicket, http.Header{"Content-Type": {"text/HTML"}}, guard.NoAnswer},
		"HTML to an unknown entity":    {unknown, http.Header{"Content-Type": {"text/html"}}, guard.NoAnswer},
		"XHTML":                        {getTicket, http.Header{"Content-Type": {"application/xhtml+xml"}}, guard.NoAnswer},
		"XML":                          {getTicket, http.Header{"Content-Type": {"application/xml"}}, guard.Neutral},
		"no content type":              {getTicket, http.Header{}, guard.Neutral},
		"two content types":            {getTicket, http.Header{"Content-Type": {"application/json", "text/html"}}, guard.Neutral},
		"a type that starts like JSON": {getTicket, http.Header{"Content-Type": {"application/jsonx"}}, guard.Neutral},
	} {
		for _, status := range []int{200, 201, 204, 299} {
			if got := verdictOf(c.op, Answer{Status: status, Header: c.header}); got != c.want {
				t.Errorf("%s, %d: %s, want %s", name, status, got, c.want)
			}
		}
	}
	for status := range 700 {
		if got := verdictOf(getTicket, Answer{Status: status, Header: jsonHeader}); (got == guard.Accepted) != (status >= 200 && status < 300) {
			t.Errorf("%d is %s", status, got)
		}
	}
}

func TestEveryStatusWithoutMarksHasItsVerdict(t *testing.T) {
	t.Parallel()
	for status := 100; status < 600; status++ {
		want := guard.Neutral
		switch {
		case status < 200, status >= 500, status == 401, status == 407, status == 408:
			want = guard.NoAnswer
		}
		if got := verdictOf(getTicket, Answer{Status: status, Header: http.Header{}}); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestABasicChallengeIsFoundAmongOthersAndNotInTheirText(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]guard.Verdict{
		`Basic Realm="webservices5.autotask.net"`: guard.Refused,
		`basic`:                              guard.Refused,
		`BASIC realm=""`:                     guard.Refused,
		`Negotiate, Basic realm="x"`:         guard.Refused,
		`Digest realm="a, b", Basic realm=c`: guard.Refused,
		`Digest realm="a\", b",Basic`:        guard.Refused,
		`Bearer realm="Basic"`:               guard.NoAnswer,
		`Bearer realm="x, Basic realm=y"`:    guard.NoAnswer,
		`Bearer realm="x\", Basic y"`:        guard.NoAnswer,
		`Bearer realm="x, Basic`:             guard.NoAnswer,
		`Basically realm="x"`:                guard.NoAnswer,
		`Negotiate`:                          guard.NoAnswer,
		`\`:                                  guard.NoAnswer,
		`"\`:                                 guard.NoAnswer,
		``:                                   guard.NoAnswer,
	} {
		if got := verdictOf(getTicket, Answer{Status: 401, Header: http.Header{"Www-Authenticate": {line}}}); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	two := http.Header{"Www-Authenticate": {"Negotiate", `Basic realm="x"`}}
	if got := verdictOf(getTicket, Answer{Status: 401, Header: two}); got != guard.Refused {
		t.Errorf("two lines: %s", got)
	}
}

func TestTheTextsDecideA500(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]guard.Verdict{
		"IntegrationCode is invalid":                                     guard.Refused,
		"The API Integration Code that you provided was not found":       guard.Refused,
		"Invalid API tracking identifier":                                guard.Refused,
		"The user name or password is incorrect.":                        guard.Refused,
		"Username and/or Password are incorrect":                         guard.Refused,
		"INVALID CREDENTIALS":                                            guard.Refused,
		"Your password has expired":                                      guard.Refused,
		"User authentication failed":                                     guard.Refused,
		"Unauthorized":                                                   guard.Refused,
		"The user account has been disabled":                             guard.Refused,
		"The user account has been locked, please see the administrator": guard.Locked,
		"Your account is locked out":                                     guard.Locked,
		"This user has been locked.":                                     guard.Locked,
		"The ticket is locked by another user":                           guard.Neutral,
		"The logged in Resource does not have the adequate permissions to read this entity type.": guard.Neutral,
		"The logged in Resource does not have a password that is invalid":                         guard.Neutral,
		"Reference value on field: userName of type: User does not exist or is invalid.":          guard.Neutral,
		"No matching records found. The logged in Resource may not have the required permissions": guard.Neutral,
		"Unexpected character encountered while parsing value: invalid password":                  guard.Neutral,
		"The Autotask API thread threshold of 3 threads has been exceeded":                        guard.Neutral,
		"maxCountOfRecordsToReturn must be between 1 and 500":                                     guard.Neutral,
		"Title is required":    guard.Neutral,
		"Passwordless invalid": guard.Neutral,
		"":                     guard.Neutral,
	} {
		body := errorJSON(text)
		if got := verdictOf(getTicket, Answer{Status: 500, Header: jsonHeader, Body: body}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestTheWorstOfSeveralTextsCounts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]guard.Verdict{
		`{"errors":["Title is required","IntegrationCode is invalid"]}`:                                    guard.Refused,
		`{"errors":["The user account has been locked","IntegrationCode is invalid","Title is required"]}`: guard.Locked,
		`{"errors":["IntegrationCode is invalid","The user account has been locked"]}`:                     guard.Locked,
		`{"x":{"errors":["IntegrationCode is invalid"]},"Errors":["Title is required"]}`:                   guard.Neutral,
		"\xef\xbb\xbf" + `{"ERRORS":["IntegrationCode is invalid"]}`:                                       guard.Refused,
		`{"errors":["IntegrationCode is invalid","and a text that is cut`:                                  guard.Refused,
		`{"errors":["cut in the first te`:                                                                  guard.NoAnswer,
		`{"errors":[]}`:                                                                                    guard.NoAnswer,
		`{"errors":null}`:                                                                                  guard.NoAnswer,
		`{"errors":"IntegrationCode is invalid"}`:                                                          guard.NoAnswer,
		`{"errors":["IntegrationCode is invalid",7]}`:                                                      guard.NoAnswer,
		`{"x":{"errors":["IntegrationCode is invalid"]}}`:                                                  guard.NoAnswer,
		`[{"errors":["IntegrationCode is invalid"]}]`:                                                      guard.NoAnswer,
		`{"x":`: guard.NoAnswer,
		``:      guard.NoAnswer,
		`{`:     guard.NoAnswer,
	} {
		if got := verdictOf(getTicket, Answer{Status: 500, Header: jsonHeader, Body: []byte(body)}); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestTextsOnOtherStatuses(t *testing.T) {
	t.Parallel()
	locked, refused, rule := errorJSON("The user account has been locked"), errorJSON("IntegrationCode is invalid"), errorJSON("Title is required")
	for name, c := range map[string]struct {
		status int
		body   []byte
		want   guard.Verdict
	}{
		"a lockout on 403":                        {403, locked, guard.Locked},
		"a lockout on 401":                        {401, locked, guard.Locked},
		"a lockout on 503":                        {503, locked, guard.Locked},
		"a refusal on 503":                        {503, refused, guard.Refused},
		"a refusal's text on 403 is not one":      {403, refused, guard.Neutral},
		"an unknown text on 503 may be a proxy's": {503, rule, guard.NoAnswer},
		"an unknown text on 500 is the PSA's":     {500, rule, guard.Neutral},
		"a body that nobody should look at":       {200, locked, guard.Accepted},
		"a 404 with a lockout's text":             {404, locked, guard.Neutral},
	} {
		if got := verdictOf(getTicket, Answer{Status: c.status, Header: jsonHeader, Body: c.body}); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTheBodyIsAskedForOnlyWhereItDecides(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{200: false, 204: false, 301: false, 400: false, 401: true, 403: true, 404: false, 429: false, 500: true, 502: true, 599: true} {
		if got := NeedsBody(getTicket, status, jsonHeader); got != want {
			t.Errorf("%d: %v", status, got)
		}
		if NeedsBody(getTicket, status, http.Header{"Content-Length": {"0"}}) || NeedsBody(getTicket, status, http.Header{"Content-Type": {"text/html; charset=x"}}) {
			t.Errorf("%d: an empty or HTML body is asked for", status)
		}
	}
}

func TestWhatComesBehindTheHeadOfABodyDecidesNothing(t *testing.T) {
	t.Parallel()
	head := append([]byte(`{"errors":["Title is required"`), bytes.Repeat([]byte(" "), MaxBodyHead)...)
	for _, behind := range []string{`]}`, `,"The user account has been locked"]}`, `,"IntegrationCode is invalid"]}`, `,7]}`, "\x00"} {
		if got := verdictOf(getTicket, Answer{Status: 500, Header: jsonHeader, Body: append(head, behind...)}); got != guard.Neutral {
			t.Errorf("%s: %s", behind, got)
		}
	}
}

// verdictOf is Classify's verdict.
func verdictOf(op Operation, a Answer) guard.Verdict {
	v, _ := Classify(op, a)
	return v
}
