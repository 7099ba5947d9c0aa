package ates

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/psagate/psagate/broker/message"
)

const secret = `k<&>"'ey-0123`

func sample() Mail {
	return Mail{
		From: message.Address{Local: "support", Domain: "msp.example"}, To: message.Address{Local: "addticket", Domain: "autotask.example"},
		Subject: "Drucker Ärger", Text: "Hallo,\n\n.Grüße\nRef: mb1x", Reference: "mb1x", Domain: "msp.example",
		Date: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), Token: Token{Key: NewKey(secret), Customer: `A & "B"`, Email: "jo@acme.example"},
	}
}

// token is what the service reads.
type token struct {
	XMLName                                              xml.Name `xml:"Autotask"`
	PW, Customer, Email, Contact, SubIssue, TicketNumber struct {
		Name string `xml:"name,attr"`
	}
}

// taken is a mail as the service takes it: everything above the token, and the token.
func taken(t testing.TB, raw []byte) (header mail.Header, text string, tok token) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(string(body), "\r\n", "\n")
	if n := strings.Count(strings.ToLower(text), "<autotask"); n != 1 {
		t.Fatalf("%d tokens in %q", n, text)
	}
	at := strings.LastIndex(text, "<Autotask>")
	if err := xml.Unmarshal([]byte(text[at:]), &tok); err != nil {
		t.Fatalf("%v: %q", err, text[at:])
	}
	return m.Header, text[:at], tok
}

func write(t testing.TB, m Mail) []byte {
	t.Helper()
	raw, err := m.Write()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestMail(t *testing.T) {
	t.Parallel()
	m := sample()
	raw := write(t, m)
	header, text, tok := taken(t, raw)
	if text != "Hallo,\n\n.Grüße\n\nRef: mb1x\n" || tok.PW.Name != secret || tok.Customer.Name != m.Token.Customer || tok.Email.Name != m.Token.Email || tok.TicketNumber.Name != "" {
		t.Errorf("%q, %+v", text, tok)
	}
	if header.Get("Message-ID") != "<mb1x@msp.example>" || header.Get("From") != "<support@msp.example>" || header.Get("To") != "<addticket@autotask.example>" {
		t.Errorf("%v", header)
	}
	if read := message.Read(raw, message.Options{}); read.Subject != m.Subject || !read.Date.Equal(m.Date) {
		t.Errorf("%q, %s", read.Subject, read.Date)
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 80 || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line is %q", line)
		}
	}
	m.Repeat = true
	if _, text, _ := taken(t, write(t, m)); !strings.HasPrefix(text, repeated+"Hallo") {
		t.Errorf("%q", text)
	}
}

// Whoever writes to us may not say whose ticket it is.
func TestTokensOfOthers(t *testing.T) {
	t.Parallel()
	for _, theirs := range []string{"<Autotask><PW name=\"x\"/></Autotask>", "<AUTOTASK>", "< / autotask >", "<\nAutotask"} {
		m := sample()
		m.Text, m.Subject = theirs+"\n"+theirs, theirs
		header, text, tok := taken(t, write(t, m))
		if tok.PW.Name != secret || tokens.MatchString(text) || tokens.MatchString(header.Get("Subject")) || !strings.Contains(strings.ToLower(text), "autotask") {
			t.Errorf("%q: %q", theirs, text)
		}
	}
	m := sample()
	m.Token.Customer = "x\"/><TicketNumber name=\"T1\r\nBcc: a@b"
	if _, _, tok := taken(t, write(t, m)); tok.TicketNumber.Name != "" || tok.Customer.Name != `x"/><TicketNumber name="T1 Bcc: a@b` {
		t.Errorf("%+v", tok)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	m := sample()
	m.Subject, m.Text = strings.Repeat("ä", 1000), strings.Repeat("ö ", 10_000)
	raw := write(t, m)
	_, text, tok := taken(t, raw)
	if n := utf8.RuneCountInString(text); n > textMost+1 || !strings.HasSuffix(text, "[…] The mail is longer.\n\nRef: mb1x\n") || tok.PW.Name != secret {
		t.Errorf("%d characters, %q", n, text[len(text)-80:])
	}
	if subject := message.Read(raw, message.Options{}).Subject; utf8.RuneCountInString(subject) != titleMost {
		t.Errorf("a title of %d", utf8.RuneCountInString(subject))
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 100 {
			t.Errorf("a line has %d bytes", len(line))
		}
	}
	m.Subject = ""
	if read := message.Read(write(t, m), message.Options{}); read.Subject != "Mail without a subject" {
		t.Errorf("%q", read.Subject)
	}
}

func TestTheKeyIsSecret(t *testing.T) {
	t.Parallel()
	m := sample()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", m.Token, "key", m.Token.Key)
	inJSON, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s %x", m, m, m, m.Token, m.Token.Key), string(inJSON), log.String()} {
		if strings.Contains(out, "ey-0123") || strings.Contains(out, "65792d30") || !strings.Contains(out, "redacted") {
			t.Errorf("it prints as %s", out)
		}
	}
	for _, lack := range []func(*Mail){func(m *Mail) { m.Token.Key = Key{} }, func(m *Mail) { m.Reference = "" }, func(m *Mail) { m.From = message.Address{} }, func(m *Mail) { m.Domain = "" }} {
		m := sample()
		lack(&m)
		if raw, err := m.Write(); err == nil || raw != nil || strings.Contains(err.Error(), "ey-0123") {
			t.Errorf("%q, %v", raw, err)
		}
	}
}

// FuzzAtes gives any words to the writer: the service reads one token, ours, and each field as it was meant.
func FuzzAtes(f *testing.F) {
	f.Add("Drucker", "text\n<Autotask>", `A & "B" <c>`, "T20260213.0045")
	f.Add("=?utf-8?q?<Autotask>?=", "</ Autotask\r\n.\r\n", "\x00\ufffe", "'")
	f.Fuzz(func(t *testing.T, subject, text, customer, number string) {
		m := sample()
		m.Subject, m.Text, m.Token.Customer, m.Token.TicketNumber = subject, text, customer, number
		header, above, tok := taken(t, write(t, m))
		if tok.PW.Name != secret || tok.Customer.Name != oneLine(customer) || tok.TicketNumber.Name != oneLine(number) {
			t.Errorf("%+v", tok)
		}
		if len(header) != 8 || !strings.HasSuffix(above, "\n\nRef: mb1x\n") {
			t.Errorf("%v, %q", header, above)
		}
	})
}
