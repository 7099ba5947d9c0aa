package message

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"github.com/jhillyerd/enmime/v2"
	"github.com/psagate/psagate/broker/plain"
	"github.com/psagate/psagate/broker/scan"
	"golang.org/x/net/html/charset"
)

// text puts together what a mail says.
func (r *reading) text(segments []segment) (text, html string) {
	var texts, htmls []string
	for _, s := range segments {
		if s.html != "" {
			htmls = append(htmls, s.html)
		}
		if t := r.better(s); t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n\n"), strings.Join(htmls, "\n")
}

// imagePlace is where Outlook's plain text says that an image is.
var imagePlace = regexp.MustCompile(`\[cid:[^\[\]\s]{1,200}\]`)

// better is the better text of a segment: what its writer wrote as plain text, unless that only says that there is HTML.
func (r *reading) better(s segment) string {
	text := imagePlace.ReplaceAllStringFunc(plain.Clean(s.plain), func(place string) string {
		if shown := r.show(place[len("[cid:") : len(place)-1]); shown != "" {
			return shown
		}
		return place
	})
	if s.html == "" || len(text) > 300 {
		return text
	}
	fromHTML := plain.FromHTML(s.html, r.imageText)
	if text == "" || len(fromHTML) > 10*len(text) && (len(text) < 80 || strings.Contains(strings.ToLower(text), "html")) {
		return fromHTML
	}
	if strings.Contains(fromHTML, "[image: ") && !strings.Contains(text, "[image: ") {
		return fromHTML // a plain text beside it does not say where the images are
	}
	return text
}

// detectMost is how much of a text is looked at to find its charset.
const detectMost = 64 << 10

// decoded is a part's text in UTF-8: by what it is, by the charset that it names in its header or, as HTML, in itself, and
// else by what it looks like.
func (r *reading) decoded(p *enmime.Part) string {
	html := strings.EqualFold(p.ContentType, "text/html")
	label := r.charset(p)
	if label == "" && html {
		_, label, _ = charset.DetermineEncoding(p.Content[:min(len(p.Content), 1024)], "")
	}
	if utf8.Valid(p.Content) || encodingOf(label) != nil {
		return decodeBytes(p.Content, label)
	}
	detector := chardet.NewTextDetector()
	if html {
		detector = chardet.NewHtmlDetector()
	}
	if best, err := detector.DetectBest(p.Content[:min(len(p.Content), detectMost)]); err == nil && best.Confidence >= 50 {
		return decodeBytes(p.Content, best.Charset)
	}
	return decodeBytes(p.Content, "windows-1252")
}

// charset is what a part names; ASCII is no charset for what is not ASCII.
func (r *reading) charset(p *enmime.Part) string {
	_, params, _, err := scan.MediaType(p.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	label := strings.ToLower(params["charset"])
	if label == "us-ascii" || label == "ascii" || strings.HasPrefix(label, "ansi_x3") {
		return ""
	}
	return label
}

// unflow joins the lines that a mail program has broken, where the part says that it did (RFC 3676).
func unflow(text string, p *enmime.Part) string {
	_, params, _, err := scan.MediaType(p.Header.Get("Content-Type"))
	if err != nil || !strings.EqualFold(params["format"], "flowed") {
		return text
	}
	return plain.Unflow(text, strings.EqualFold(params["delsp"], "yes"))
}
