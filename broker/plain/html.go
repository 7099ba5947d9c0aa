package plain

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Image is asked what stands in the text for an image: its address (cid:… for one within the mail), and its alternative
// text. Nothing is fine.
type Image func(src, alt string, attrs map[string]string) string

// FromHTML makes text of HTML: paragraphs, lists, tables with their cells in a row, quotes with their marks, links with
// where they lead, images as the function names them (nil: their alternative text). What is hidden from readers is left
// out, unless nothing else is there.
func FromHTML(source string, image Image) string {
	if text := fromHTML(source, image, true); text != "" {
		return text
	}
	return fromHTML(source, image, false) // a hidden element without an end hides everything
}

func fromHTML(source string, image Image, hide bool) string {
	w := &writer{}
	r := &reader{writer: w, image: image, hide: hide, tokens: html.NewTokenizer(strings.NewReader(source))}
	for r.next() {
	}
	r.endLink()
	return Clean(w.out.String())
}

type reader struct {
	*writer
	tokens *html.Tokenizer
	image  Image
	hide   bool

	skip      string // the element whose content is skipped
	skipDepth int
	within    int // how many tables, or lists, are open within a cell, or an item, that is skipped

	href      string // of the open link
	linkStart int    // where its text begins
}

func (r *reader) next() bool {
	switch kind := r.tokens.Next(); kind {
	case html.ErrorToken:
		return false
	case html.TextToken:
		if r.skip == "" {
			r.text(string(r.tokens.Text()))
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		r.start(r.tokens.Token())
	case html.EndTagToken:
		name, _ := r.tokens.TagName()
		r.end(string(name))
	}
	return true
}

var unread = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Title: true, atom.Template: true, atom.Noscript: true, atom.Svg: true,
	atom.Select: true, atom.Textarea: true, atom.Object: true, atom.Iframe: true, atom.Audio: true, atom.Video: true,
}

var void = map[atom.Atom]bool{
	atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true, atom.Img: true,
	atom.Input: true, atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true, atom.Wbr: true,
}

func (r *reader) start(t html.Token) {
	if r.skip != "" && !r.over(t.DataAtom, false) {
		if t.Data == r.skip && t.Type == html.StartTagToken {
			r.skipDepth++
		}
		return
	}
	attrs := map[string]string{}
	for _, a := range t.Attr {
		attrs[a.Key] = a.Val
	}
	closes := t.Type == html.StartTagToken && !void[t.DataAtom]
	if closes && (unread[t.DataAtom] || r.hide && hidden(attrs)) {
		r.skip, r.skipDepth, r.within = t.Data, 1, 0
		return
	}
	switch t.DataAtom {
	case atom.Br:
		r.breakLine()
	case atom.Img:
		r.img(attrs)
	case atom.A:
		r.endLink()
		r.href, r.linkStart = attrs["href"], r.out.Len()
	case atom.Hr:
		r.block(1)
		r.word("----")
		r.block(1)
	case atom.Li:
		r.item()
	case atom.Ol:
		start, err := strconv.Atoi(attrs["start"])
		if err != nil {
			start = 1
		}
		r.openList(start)
	case atom.Ul:
		r.openList(-1)
	case atom.Td, atom.Th:
		r.cell()
	case atom.Blockquote:
		r.quote()
	case atom.Pre:
		r.block(2)
		r.pre++
	case atom.P, atom.Div:
		if r.cells { // what a cell begins with stands beside the cell before it
			return
		}
		r.block(paragraph(t.DataAtom, attrs))
	case atom.Tr, atom.Table:
		r.row()
		r.block(around[t.DataAtom])
	default:
		r.block(around[t.DataAtom])
	}
}

// hidden tells whether an element is not to be seen: the text of such is for the overview of a mail program, or a trick.
func hidden(attrs map[string]string) bool {
	if _, is := attrs["hidden"]; is {
		return true
	}
	style := strings.ToLower(strings.ReplaceAll(attrs["style"], " ", "")) + ";"
	for _, sign := range []string{"display:none", "visibility:hidden", "mso-hide:all", "font-size:0;", "font-size:0px", "max-height:0;", "max-height:0px"} {
		if strings.Contains(style, sign) {
			return true
		}
	}
	return false
}

// paragraph is how many line ends are around one: Outlook writes each line as a paragraph without space around it.
func paragraph(a atom.Atom, attrs map[string]string) int {
	if a != atom.P || strings.HasPrefix(attrs["class"], "Mso") || strings.Contains(strings.ReplaceAll(attrs["style"], " ", ""), "margin:0") {
		return 1
	}
	return 2
}

// around is how many line ends are before and after an element.
var around = map[atom.Atom]int{
	atom.H1: 2, atom.H2: 2, atom.H3: 2, atom.H4: 2, atom.H5: 2, atom.H6: 2, atom.Dl: 2, atom.Table: 2, atom.Figure: 2,
	atom.P: 1, atom.Div: 1, atom.Tr: 1, atom.Dt: 1, atom.Dd: 1, atom.Address: 1, atom.Article: 1, atom.Aside: 1, atom.Center: 1,
	atom.Caption: 1, atom.Footer: 1, atom.Form: 1, atom.Header: 1, atom.Main: 1, atom.Nav: 1, atom.Section: 1, atom.Fieldset: 1,
	atom.Figcaption: 1, atom.Body: 1, atom.Html: 1, atom.Summary: 1, atom.Details: 1, atom.Option: 1,
}

// unended are the elements whose end tag may be left out, as programs do that make HTML small, by what they are part of: the next part
// ends them, or the end of the whole (HTML section 13.1.2.4). A paragraph is part of nothing.
var unended = map[string]string{
	"td": "table", "th": "table", "tr": "table", "tbody": "table", "thead": "table", "tfoot": "table", "li": "list", "dt": "list", "dd": "list", "p": "",
}

// wholes are what these are part of.
var wholes = map[atom.Atom]string{atom.Table: "table", atom.Ul: "list", atom.Ol: "list", atom.Dl: "list"}

// outer is which of the parts of a table another one ends.
var outer = map[string]int{"td": 1, "th": 1, "tr": 2, "tbody": 3, "thead": 3, "tfoot": 3}

// over tells whether a tag ends what is skipped, which has no end tag of its own; then nothing is skipped any more.
func (r *reader) over(a atom.Atom, end bool) bool {
	whole, may := unended[r.skip]
	if !may {
		return false
	}
	block := around[a] > 0 || wholes[a] != "" || outer[a.String()] > 0 || a == atom.Li || a == atom.Blockquote || a == atom.Pre || a == atom.Hr
	switch {
	case whole == "":
		if block && (a != atom.P || !end) {
			r.skip = ""
		}
	case wholes[a] == whole && !end:
		r.within++
	case wholes[a] == whole && r.within > 0:
		r.within--
	case wholes[a] == whole, r.within == 0 && unended[a.String()] == whole && outer[a.String()] >= outer[r.skip] && !(end && a.String() == r.skip):
		r.skip = ""
	}
	return r.skip == ""
}

func (r *reader) end(name string) {
	if r.skip != "" && !r.over(atom.Lookup([]byte(name)), true) {
		if name == r.skip {
			if r.skipDepth--; r.skipDepth == 0 {
				r.skip = ""
			}
		}
		return
	}
	switch a := atom.Lookup([]byte(name)); a {
	case atom.A:
		r.endLink()
	case atom.Ul, atom.Ol:
		r.closeList()
	case atom.Li:
		r.block(1)
	case atom.Blockquote:
		r.unquote()
	case atom.Pre:
		r.block(2)
		r.pre = max(0, r.pre-1)
	case atom.Tr, atom.Table:
		r.row()
		r.block(around[a])
	default:
		r.block(around[a])
	}
}

func (r *reader) img(attrs map[string]string) {
	text := attrs["alt"]
	if r.image != nil {
		text = r.image(attrs["src"], attrs["alt"], attrs)
	}
	r.text(text)
}

// endLink writes where a link leads, unless its text says so.
func (r *reader) endLink() {
	href := strings.TrimSpace(r.href)
	r.href = ""
	scheme, rest, ok := strings.Cut(href, ":")
	if !ok {
		return
	}
	said := strings.TrimSpace(r.out.String()[min(r.linkStart, r.out.Len()):])
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https":
		if bare(said) == bare(href) {
			return
		}
	case "mailto", "tel":
		href, _, _ = strings.Cut(rest, "?")
		if strings.EqualFold(said, href) {
			return
		}
	default:
		return
	}
	if said == "" && r.linkStart == r.out.Len() {
		return // an image that stands for nothing
	}
	r.text(" <" + href + ">")
}

// bare is an address without what people do not write.
func bare(address string) string {
	address = strings.ToLower(address)
	for _, scheme := range []string{"https://", "http://"} {
		address = strings.TrimPrefix(address, scheme)
	}
	return strings.TrimSuffix(address, "/")
}
