package scan

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
)

// Check counts what is in a mail, and stops with an *Excess at the first limit that it is beyond.
func Check(raw []byte, limits Limits) (Counts, error) {
	if limits.Depth == 0 || limits.Depth > DepthMost {
		limits.Depth = DepthMost
	}
	s := scanner{limits: limits, inHeader: true, top: true}
	if err := s.grow("size", &s.counts.Size, len(raw), limits.Size); err != nil {
		return s.counts, err
	}
	for len(raw) > 0 {
		line := raw
		if end := bytes.IndexByte(raw, '\n'); end >= 0 {
			line = raw[:end+1]
		}
		raw = raw[len(line):]
		if err := s.line(line); err != nil {
			return s.counts, err
		}
	}
	if err := s.endField(); err != nil {
		return s.counts, err
	}
	return s.counts, s.unclosed(0)
}

type scanner struct {
	limits Limits
	counts Counts
	open   []string // boundaries of the multiparts around this line, outermost first, with two dashes in front

	inHeader  bool
	top       bool   // the header is the mail's own
	header    int    // bytes of this header so far
	field     string // name of the field, in lower case
	fieldSize int
	content   []byte // of a Content-Type field, unfolded
}

// grow adds to a count and complains where that is beyond its limit.
func (s *scanner) grow(what string, count *int, by, limit int) error {
	*count += by
	if limit > 0 && *count > limit {
		return &Excess{what, limit}
	}
	return nil
}

// most keeps the greatest of a count.
func (s *scanner) most(what string, count *int, is, limit int) error {
	*count = max(*count, is)
	if limit > 0 && is > limit {
		return &Excess{what, limit}
	}
	return nil
}

func (s *scanner) line(line []byte) error {
	if err := s.grow("work", &s.counts.Work, len(line)*(1+len(s.open)), s.limits.Work); err != nil {
		return err
	}
	if delimits, stay := s.delimits(line); delimits {
		if err := errors.Join(s.endField(), s.close(line, stay)); err != nil {
			return err
		}
		s.inHeader, s.top, s.header = true, false, 0
		return s.grow("parts", &s.counts.Parts, 1, s.limits.Parts)
	}
	if !s.inHeader {
		return nil
	}
	s.header += len(line)
	if err := s.most("header", &s.counts.Header, s.header, s.limits.Header); err != nil {
		return err
	}
	return s.headerLine(line)
}

// delimits tells whether a parser could take the line for the delimiter or the end of one of the open multiparts, and how
// many of them surely go on after it. A delimiter may stand anywhere in the line: so enmime finds it in a preamble.
func (s *scanner) delimits(line []byte) (delimits bool, stay int) {
	if len(s.open) == 0 || !bytes.Contains(line, []byte("--")) {
		return false, 0
	}
	for i, b := range s.open {
		if after, atStart := bytes.CutPrefix(line, []byte(b)); atStart && ends(after) {
			return true, i + 1
		}
	}
	for _, b := range s.open {
		if bytes.Contains(line, []byte(b)) {
			return true, len(s.open)
		}
	}
	return false, 0
}

// ends tells whether a boundary may end before these bytes.
func ends(after []byte) bool {
	return len(after) > 0 && unicode.IsSpace(rune(after[0])) || bytes.HasPrefix(after, []byte("--"))
}

// close leaves so many multiparts open after a delimiter, less the one that it ends.
func (s *scanner) close(line []byte, stay int) error {
	if stay == 0 || stay > len(s.open) {
		return nil
	}
	err := s.unclosed(stay)
	if bytes.HasPrefix(line, []byte(s.open[stay-1]+"--")) {
		stay--
	}
	s.open = s.open[:stay]
	return err
}

// unclosed counts the multiparts beyond so many, which have ended without an end of their own.
func (s *scanner) unclosed(stay int) error {
	return s.most("unclosed", &s.counts.Unclosed, len(s.open)-stay, s.limits.Unclosed)
}

// headerLine reads a line of a header as enmime does: a line without a colon goes on with the field before it, be it
// indented or not, and one whose name cannot be a name is left out.
func (s *scanner) headerLine(line []byte) error {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) == 0 {
		err := s.endField()
		s.inHeader = false
		return err
	}
	colon := bytes.IndexByte(line, ':')
	switch indented := strings.ContainsRune(" \t\r", rune(line[0])); {
	case indented || colon < 0:
		return s.value(line)
	case colon == 0 || !isName(line[:colon]):
		return nil
	}
	if err := s.endField(); err != nil {
		return err
	}
	s.field = strings.ToLower(string(bytes.TrimSpace(line[:colon])))
	return s.value(line[colon+1:])
}

func isName(name []byte) bool {
	return !bytes.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' })
}

var addressFields = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "reply-to": true, "sender": true, "delivered-to": true, "x-original-to": true,
	"resent-from": true, "resent-to": true, "resent-cc": true, "resent-bcc": true, "resent-sender": true,
}

func (s *scanner) value(line []byte) error {
	s.fieldSize += len(line)
	if err := s.most("field", &s.counts.Field, s.fieldSize, s.limits.Field); err != nil {
		return err
	}
	if strings.HasPrefix(s.field, "content-") && s.fieldSize > contentField {
		return &Excess{"field", contentField}
	}
	if s.field == "content-type" {
		s.content = append(append(s.content, ' '), bytes.TrimSpace(line)...)
	}
	if s.top && addressFields[s.field] {
		return s.grow("addresses", &s.counts.Addresses, bytes.Count(line, []byte("@")), s.limits.Addresses)
	}
	return nil
}

// endField opens a multipart where the field that ends declared a boundary, whatever type it stands beside.
func (s *scanner) endField() error {
	value := strings.TrimSpace(string(s.content))
	s.field, s.fieldSize, s.content = "", 0, s.content[:0]
	if value == "" {
		return nil
	}
	_, params, _, err := MediaType(value)
	boundary := params["boundary"]
	if err != nil || boundary == "" {
		return nil
	}
	if len(boundary) > boundaryMost {
		return &Excess{"boundary", boundaryMost}
	}
	s.open = append(s.open, "--"+boundary)
	return s.most("depth", &s.counts.Depth, len(s.open), s.limits.Depth)
}
