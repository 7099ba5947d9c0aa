package message

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/scan"
)

func read(t *testing.T, mail string) *Message {
	t.Helper()
	m := Read([]byte(mail), Options{})
	wellFormed(t, "the mail", []byte(mail), m)
	return m
}

// multipart is the body of one, of parts that begin with their headers.
func multipart(kind string, parts ...string) string {
	out := "Content-Type: multipart/" + kind + "; boundary=\"=_" + kind + "\"\n\n"
	for _, p := range parts {
		out += "--=_" + kind + "\n" + p + "\n"
	}
	return out + "--=_" + kind + "--\n"
}

const sender = "From: Jo <jo@example.com>\nMessage-ID: <1@example.com>\n"

func TestFieldsAreDecoded(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"plain": "plain",
		"=?utf-8?Q?Gr=C3=BC=C3=9Fe?= an =?UTF-8?b?QWxsZQ==?=": "Grüße an Alle",
		"=?utf-8?q?cut_=C3?= =?utf-8?q?=A4?= in":              "cut ä in",         // within a character
		"=?utf-8?b?w6TDtg?= x":                                "äö x",             // without padding
		"=?iso-8859-1?q?=80_100?=":                            "€ 100",            // is windows-1252
		"=?gb2312?b?ufvE6g==?=":                               "果年",               // is GB 18030
		"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=":                  "日本",               // has a state
		"=?utf-7?q?+AOQ-?=":                                   "ä",                //
		"=?utf-8*de?q?Hallo?=":                                "Hallo",            // RFC 2231
		"=?x-unknown?q?a=E4?=":                                "aä",               // unknown
		"=?utf-8?q?two words?=":                               "two words",        // spaces within
		"r\xe4w":                                              "räw",              // unencoded windows-1252
		"räw":                                                 "räw",              // unencoded UTF-8
		"=?utf-8?q?a=00b=E2=80=AEc?=":                         "abc",              // what cannot be seen
		"a =?utf-8?q?b?=, =?utf-8?q?c":                        "a b, =?utf-8?q?c", // without end
	} {
		if got := read(t, "From: a@example.com\nSubject: "+raw+"\n\nx").Subject; got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"Doe, Jo" <Jo.Doe@Example.COM>, b@example.com`: "Doe, Jo|Jo.Doe@example.com;|b@example.com",
		"a@example.com; b@example.com":                  "|a@example.com;|b@example.com",
		"team: a@example.com, B <b@example.com>;":       "|a@example.com;B|b@example.com",
		"undisclosed-recipients:;":                      "",
		"=?utf-8?q?J=C3=B6?= <j@example.com>":           "Jö|j@example.com",
		"Jo (at work) <jo@example.com":                  "Jo (at work)|jo@example.com",
		"'jo@example.com'":                              "|jo@example.com",
		"<mailto:jo@example.com>":                       "|jo@example.com",
		"=?utf-8?q?J=C3=B6_=3Cj=40example=2Ecom=3E?=":   "Jö|j@example.com",
		"=?utf-8?q?j=40example=2Ecom?= <b@example.com>": "j@example.com|b@example.com",
		"Jo":              "",
		"jo@exa mple.com": "|jo@exa",
		"a@b@example.com": "|a@b@example.com",
	} {
		var got []string
		for _, a := range ParseAddresses(raw) {
			got = append(got, a.Name+"|"+a.String())
		}
		if strings.Join(got, ";") != want {
			t.Errorf("%s: %q, want %q", raw, strings.Join(got, ";"), want)
		}
	}
	a := Address{Local: "Support+k2.x+y", Domain: "example.com"}
	if a.Tag() != "k2.x+y" || a.Base().Key() != "support@example.com" {
		t.Errorf("%q, %q", a.Tag(), a.Base().Key())
	}
}

func TestTextIsChosen(t *testing.T) {
	t.Parallel()
	plainPart, htmlPart := "Content-Type: text/plain; charset=utf-8\n\nplain text\n", "Content-Type: text/html; charset=utf-8\n\n<p>rich <b>text</b></p>\n"
	image := "Content-Type: image/png; name=\"a/b:c.png\"\nContent-ID: <i%401>\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("png")) + "\n"
	shown := "Content-Type: text/html\n\n<p>see <img src=\"cid:i%401\"> here</p>\n"
	for name, c := range map[string]struct{ mail, want string }{
		"both":                      {multipart("alternative", plainPart, htmlPart), "plain text"},
		"HTML alone":                {htmlPart, "rich text"},
		"no plain text to speak of": {multipart("alternative", "Content-Type: text/plain\n\n \n", htmlPart), "rich text"},
		"a plain excuse": {
			multipart("alternative", "Content-Type: text/plain\n\nYour program cannot show HTML.\n", "Content-Type: text/html\n\n"+strings.Repeat("<p>much to say</p>", 50)),
			strings.TrimSpace(strings.Repeat("much to say\n\n", 50)),
		},
		"several":                          {multipart("mixed", plainPart, "Content-Type: application/pdf; name=a.pdf\n\nx", htmlPart), "plain text\n\nrich text"},
		"an image within":                  {multipart("alternative", "Content-Type: text/plain\n\nsee here\n", multipart("related", shown, image)), "see [image: b_c.png] here"},
		"an image in Outlook's plain text": {multipart("related", multipart("alternative", "Content-Type: text/plain\n\nsee [cid:i@1] and [cid:x]\n", shown), image), "see [image: b_c.png] and [cid:x]"},
		"flowed":                           {"Content-Type: text/plain; format=flowed\n\nlong \nline\nnext\n", "long line\nnext"},
		"a declared charset":               {"Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: 8bit\n\n\xf0\xd2\xc9\xd7\xc5\xd4\n", "Привет"},
		"a wrong charset":                  {"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\nGrüße\n", "Grüße"},
		"ASCII that is not":                {"Content-Type: text/plain; charset=us-ascii\n\nGr\xfc\xdfe aus M\xfcnchen\n", "Grüße aus München"},
		"a meta charset":                   {"Content-Type: text/html\n\n<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>\n", "Привет"},
		"utf-16":                           {"Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\naABpAA==\n", "hi"},
		"a signature":                      {multipart("signed", plainPart, "Content-Type: application/pgp-signature; name=sig.asc\n\nxx\n"), "plain text"},
	} {
		m := read(t, sender+c.mail)
		if m.Text != c.want || m.Fault != nil {
			t.Errorf("%s: %q, want %q (%v)", name, m.Text, c.want, m.Fault)
		}
	}
	m := read(t, sender+multipart("related", shown, image))
	if len(m.Files) != 1 || !m.Files[0].Inline || m.Files[0].Name != "b_c.png" || string(m.Files[0].Data) != "png" {
		t.Errorf("%+v", m.Files)
	}
	picture := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("picture", 20)))
	m = read(t, sender+"Content-Type: text/html\n\n"+strings.Repeat("<img src='data:image/png;base64,"+picture+"'>", 2)+"<img src='https://t.example/x' width=1 height=1 alt=spy>")
	if m.Text != "[image: image-1.png][image: image-1.png]" || len(m.Files) != 1 {
		t.Errorf("%q, %d files", m.Text, len(m.Files))
	}
}

// A picture that was pasted is nowhere but in the HTML, however long the plain text beside it is.
func TestPastedPicture(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("word ", 100)
	picture := "<img src='data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("picture", 20))) + "'>"
	m := read(t, sender+multipart("alternative", "Content-Type: text/plain\n\n"+text+"\n", "Content-Type: text/html\n\n<p>"+text+picture+"</p>\n"))
	if len(m.Files) != 1 || !strings.HasSuffix(m.Text, "word [image: image-1.png]") {
		t.Errorf("%d files, %q", len(m.Files), m.Text)
	}
}

// A mail without a word is no fault, and one without the parts that it promises is shown as it stands.
func TestLittle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mail, want string
		files      int
	}{
		"a subject alone":      {"Subject: call me\n\n", "", 0},
		"without a body":       {"Subject: call me", "", 0},
		"empty parts":          {multipart("alternative", "Content-Type: text/plain\n\n\n", "Content-Type: text/html\n\n<div><br></div>\n"), "", 0},
		"a picture elsewhere":  {"Content-Type: text/html\n\n<a href=https://x.example><IMG src=https://x.example/a.png></a>", "", 1},
		"no parts":             {"Content-Type: multipart/mixed; boundary=b\n\nno delimiter\n", "no delimiter", 1},
		"another's delimiters": {"Content-Type: multipart/mixed; boundary=b\n\n--c\n\ntext\n--c--\n", "--c\n\ntext\n--c--", 1},
	} {
		if m := read(t, sender+c.mail); m.Text != c.want || len(m.Files) != c.files || m.Fault != nil {
			t.Errorf("%s: %q, %d files, %v", name, m.Text, len(m.Files), m.Fault)
		}
	}
	junk := "Return-Path: <jo@acme.example>\nDelivered-To: support@example.com\n\x8f\x00\xfe what is this\n\xff"
	if m := read(t, junk); m.Fault == nil || m.Fault.Cause != "nothing" || len(m.Files) != 1 || m.Files[0].Name != "original.eml" || string(m.Files[0].Data) != junk {
		t.Errorf("what the servers wrote before it is not a mail: %+v", m)
	}
	if m := read(t, "\n\n\n"); m.Fault == nil || m.Fault.Cause != "nothing" {
		t.Errorf("%+v", m.Fault)
	}
}

func TestManyPictures(t *testing.T) {
	t.Parallel()
	html := sender + "Content-Type: text/html\n\n"
	for i := range imagesMost + 1 {
		html += "<img src='data:image/png;base64," + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%200d", i)) + "'>"
	}
	if m := read(t, html); len(m.Files) != imagesMost+1 || !m.Lost || !m.Files[imagesMost].Raw {
		t.Errorf("%d files, lost: %t", len(m.Files), m.Lost)
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	r := &reading{message: &Message{}}
	for _, c := range []struct{ claimed, kind, want string }{
		{"a.pdf", "application/pdf", "a.pdf"},
		{"A.PDF", "application/pdf", "A (2).PDF"},
		{"../../etc/passwd", "", "passwd"},
		{`C:\x\y.txt`, "", "y.txt"},
		{"...", "image/png", "image-1.png"},
		{"", "application/x", "attachment-1"},
		{"nul.txt", "", "_nul.txt"},
		{"evil\u202egpj.exe", "", "evilgpj.exe"},
		{"a\x00b\n<c>.txt", "", "ab _c_.txt"},
		{strings.Repeat("ä", 300) + ".docx", "", strings.Repeat("ä", 115) + ".docx"},
		{"=?utf-8?q?=C3=BC.txt?=", "", "ü.txt"},
	} {
		if got := r.name(c.claimed, c.kind); got != c.want {
			t.Errorf("%q: %q, want %q", c.claimed, got, c.want)
		}
	}
}

func TestKnownAgain(t *testing.T) {
	t.Parallel()
	first := sender + "Date: Fri, 27 Nov 2026 10:00:00 +0000\nTo: a@example.com\nSubject: s\n\nHello\n\nworld\n"
	same := map[string]string{
		"delivered elsewhere": "Received: from x\nDelivered-To: b@example.com\nX-Spam: no\n" + first,
		"line ends":           strings.ReplaceAll(first, "\n", "\r\n") + "\r\n",
		"from a mbox file":    "From jo@example.com Fri Nov 27\n" + first,
		"a name":              strings.Replace(first, "Jo <jo@example.com>", "JO@example.com", 1),
		"folded":              strings.Replace(first, "Subject: s", "Subject:\n s", 1),
	}
	other := map[string]string{
		"another text":    strings.Replace(first, "world", "world!", 1),
		"another subject": strings.Replace(first, ": s", ": t", 1),
		"another date":    strings.Replace(first, "10:00:00", "10:00:01", 1),
		"another sender":  strings.Replace(first, "jo@", "mo@", 1),
		"another id":      strings.Replace(first, "<1@", "<2@", 1),
		"fewer lines":     strings.Replace(first, "Hello\n\n", "Hello\n", 1),
	}
	key := ContentKeyOf([]byte(first))
	for name, mail := range same {
		if ContentKeyOf([]byte(mail)) != key {
			t.Errorf("%s: is not known again", name)
		}
	}
	for name, mail := range other {
		if ContentKeyOf([]byte(mail)) == key {
			t.Errorf("%s: is taken for the same", name)
		}
	}
	// It is kept in stores, so it must not change.
	if got := fmt.Sprintf("%x", key); got != "812c9f17f2588e30ab75fa33b5d41b5596836c50e091ba63aee87942182485db" {
		t.Errorf("the key is now %s", got)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	m := read(t, sender+"References: <a@x> <b@x>\n\t<a@x>\nIn-Reply-To: <c@x> (was: hello)\n\nx")
	if m.MessageID != "1@example.com" || !slices.Equal(m.References, []string{"a@x", "b@x", "a@x", "c@x"}) {
		t.Errorf("%q, %q", m.MessageID, m.References)
	}
	m = read(t, "Message-ID: bare@x\nReferences: "+strings.Repeat("<a@x> ", 500)+"<z@x>\n\nx")
	if m.MessageID != "bare@x" || len(m.References) != referencesMost || m.References[referencesMost-1] != "z@x" {
		t.Errorf("%q, %d", m.MessageID, len(m.References))
	}
}

// What cannot be read becomes the least of a mail, and says why.
func TestFaults(t *testing.T) {
	t.Parallel()
	nested := ""
	for i := range 60 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	small := scan.Default
	small.Size = 1000
	for cause, c := range map[string]struct {
		mail   string
		limits scan.Limits
	}{
		"depth":  {sender + "Subject: help\n" + nested, scan.Limits{}},
		"parts":  {sender + "Subject: help\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n\n", 100_000), scan.Limits{}},
		"size":   {sender + "Subject: help\n\n" + strings.Repeat("x", 1000), small},
		"header": {sender + "Subject: help\n" + strings.Repeat("X-A: b\n", 200_000), scan.Limits{}},
		"field":  {sender + "Subject: help\nX-Long: " + strings.Repeat("x", 300_000) + "\n\n", scan.Limits{}},
	} {
		m := Read([]byte(c.mail), Options{Limits: c.limits})
		wellFormed(t, cause, []byte(c.mail), m)
		if m.Fault == nil || m.Fault.Cause != cause || m.Author().Key() != "jo@example.com" || m.Subject != "help" || len(m.Files) != 1 {
			t.Errorf("%s: %+v, %q of %s", cause, m.Fault, m.Subject, m.Author())
		}
	}
}

func TestReadLeast(t *testing.T) {
	t.Parallel()
	raw := []byte(sender + "Subject: help\nAuto-Submitted: auto-generated\n" + multipart("mixed", "Content-Type: text/plain\n\nx\n"))
	m, whole := ReadLeast(raw, Options{}), Read(raw, Options{})
	wellFormed(t, "the least", raw, m)
	if m.Fault == nil || m.Fault.Cause != "crash" || m.Subject != "help" || m.Kind != Alert || m.ContentKey != whole.ContentKey || m.MessageID != whole.MessageID || len(m.Files) != 1 {
		t.Errorf("%+v", m)
	}
}

// What a mail costs in memory is within a small multiple of its size.
func TestMemory(t *testing.T) {
	body := sender + multipart("mixed", "Content-Type: text/plain\n\nx\n", "Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"+strings.Repeat(strings.Repeat("QUJD", 19)+"\n", 10_000))
	raw := []byte(body)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := Read(raw, Options{})
	runtime.ReadMemStats(&after)
	if each := after.TotalAlloc - before.TotalAlloc; m.Fault != nil || each > 4*uint64(len(raw)) {
		t.Errorf("%d bytes for a mail of %d (%v)", each, len(raw), m.Fault)
	}
}
