package autotask

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Redacted stands where a secret stood.
const Redacted = "[redacted]"

// Redactor takes secrets out of what the PSA answers, where the PSA, or something before it, repeats the request: error
// bodies and headers. It is not for the bodies of successes: a caller could learn a secret by seeing which of its own
// texts change. One Redactor serves any number of readers at once. It prints as [redacted] in every form.
type Redactor struct {
	byFirst [256][]string // the forms, by first byte, longest first
	words   [256][]string // what may be spelled by escapes, by what its spelling may begin with
	longest int
}

// NewRedactor looks for each secret as it is and as JSON, URLs, HTML, XML, and base64 (alone or inside a longer text, as in
// a Basic header) spell it, whichever of its characters they escape. Secrets of less than four bytes are not looked for: they would be
// found everywhere.
func NewRedactor(secrets ...string) *Redactor {
	d := &Redactor{}
	for _, form := range secretForms(secrets) {
		d.byFirst[form[0]] = append(d.byFirst[form[0]], form)
		d.longest = max(d.longest, len(form))
	}
	for _, word := range secretWords(secrets) {
		for _, c := range []byte(escapeMarks + strings.TrimLeft(word[:1], escapeMarks)) {
			d.words[c] = append(d.words[c], word)
		}
		d.longest = max(d.longest, maxEscape*len(word))
	}
	return d
}

// Format prints [redacted]. Its receiver is a value so that a copied Redactor prints no secret either.
func (Redactor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// secretAt returns the length of the longest spelling of a secret that text starts with, or 0.
func secretAt[T string | []byte](d *Redactor, text T) (n int) {
	if len(text) == 0 {
		return 0
	}
	for _, form := range d.byFirst[text[0]] {
		if len(form) <= len(text) && string(text[:len(form)]) == form {
			n = len(form)
			break
		}
	}
	for _, word := range d.words[text[0]] {
		n = max(n, spelled(text, word))
	}
	return n
}

// clean appends in to out without the secrets, and returns how much of in it has dealt with: all of it at the end, else
// as much as cannot be part of a form that goes on in what is still to come.
func (d *Redactor) clean(out, in []byte, end bool) ([]byte, int) {
	i := 0
	for i < len(in) && (end || len(in)-i >= d.longest) {
		if n := secretAt(d, in[i:]); n > 0 {
			out = append(out, Redacted...)
			i += n
			continue
		}
		out = append(out, in[i])
		i++
	}
	return out, i
}

// Text returns text without the secrets.
func (d *Redactor) Text(text string) string {
	if !d.in(text) {
		return text
	}
	out, _ := d.clean(nil, []byte(text), true)
	return string(out)
}

// in reports whether there is a secret in text.
func (d *Redactor) in(text string) bool {
	for i := range len(text) {
		if secretAt(d, text[i:]) > 0 {
			return true
		}
	}
	return false
}

// Header takes the secrets out of a header's values, in place. A header with one in its name is removed.
func (d *Redactor) Header(h http.Header) {
	for name, values := range h {
		if d.in(name) || d.in(strings.ToLower(name)) {
			delete(h, name)
			continue
		}
		for i, v := range values {
			values[i] = d.Text(v)
		}
	}
}

// Reader reads src without the secrets, wherever its reads cut them. It holds back less than the longest spelling of a
// secret. Its errors are those of src, unwrapped.
func (d *Redactor) Reader(src io.Reader) io.Reader {
	return &redactReader{redactor: d, src: src}
}

type redactReader struct {
	redactor *Redactor
	src      io.Reader
	in       []byte // read, not dealt with yet
	out      []byte // ready to be read
	clean    []byte // what out is a part of
	err      error
}

// Read implements io.Reader.
func (r *redactReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

func (r *redactReader) fill() {
	const chunk = 8 << 10
	kept := len(r.in)
	r.in = append(r.in, make([]byte, chunk)...)
	n, err := r.src.Read(r.in[kept:])
	r.in, r.err = r.in[:kept+n], err
	var done int
	r.clean, done = r.redactor.clean(r.clean[:0], r.in, err != nil)
	r.out = r.clean
	r.in = append(r.in[:0], r.in[done:]...)
}
