package plain

import (
	"strings"
	"testing"
)

func TestHTMLReadsWell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ html, want string }{
		"paragraphs":       {"<p>One\n two.</p><p>Three<br>four</p>", "One two.\n\nThree\nfour"},
		"Outlook":          {`<p class="MsoNormal">Hello,</p><p class="MsoNormal">&nbsp;</p><p class="MsoNormal">bye</p>`, "Hello,\n\nbye"},
		"Gmail":            {`<div dir="ltr"><div>Hi</div><div><br></div><div>there</div></div>`, "Hi\n\nthere"},
		"emphasis":         {"<b>not</b> <i>*at* all_</i>", "not *at* all_"},
		"a table":          {"<table><tr><th>Host</th><th> State </th></tr>\n<tr><td>db1</td><td><b>down</b></td></tr></table>after", "Host | State\ndb1 | down\n\nafter"},
		"Outlook's cells":  {"<table><tr><td><p class=MsoNormal>Host<o:p></o:p></p></td><td><p class=MsoNormal>db1</p></td></tr><tr><td><p class=MsoNormal>IP<br></p></td><td><div>10.0.0.9</div></td></tr></table><p>after</p>", "Host | db1\nIP | 10.0.0.9\n\nafter"},
		"cells of lines":   {"<table><tr><td><p>one</p><p>two</p></td><td><p>three</p></td><td><p>four</p></td></tr></table>", "one\n\ntwo\n\nthree | four"},
		"cells of tables":  {"<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td><td><p>c</p></td></tr></table>", "a | b\n\nc"},
		"items in cells":   {"<table><tr><td><p>a</p><ul><li></td><td>b</td></tr></table>", "a\n* b"},
		"a table for form": {"<table><tr><td><div>Logo</div></td></tr><tr><td></td><td><p>Text</p></td></tr></table>", "Logo\n\nText"},
		"lists":            {"<ul><li>a<li>b<ol start=3><li>c</li><li><p>d</p></li></ol></ul><p>e", "* a\n* b\n  3. c\n  4. d\n\ne"},
		"a quote":          {"yes<blockquote>no<br><br>or<blockquote>older</blockquote></blockquote>end", "yes\n> no\n>\n> or\n> > older\nend"},
		"links":            {`<a href="https://example.com/a?b=c&amp;d">here</a>, <a href="https://example.com/">example.com</a>, <a href="mailto:a@example.com?subject=x">a@example.com</a>, <a href="#x">top</a>, <a href="javascript:x()">no</a>`, "here <https://example.com/a?b=c&d>, example.com, a@example.com, top, no"},
		"a link, unclosed": {`<a href="https://example.com/x">go`, "go <https://example.com/x>"},
		"code":             {"<pre>a  b\n\n  c</pre>d", "a  b\n\n  c\n\nd"},
		"hidden":           {`<style>p{}</style><title>t</title><noscript>n</noscript><div style="Display: none">pre<div>header</div>x</div><span hidden>y</span>seen<!--[if mso]>z<![endif]-->`, "seen"},
		"hidden, no ends": {
			`a<p hidden>x<p>b<div><p hidden>x</div>c<table><tr><td>d<td hidden>x<table><tr><td>x<td>x</table>x<td>e<tr hidden><td>x<td>x<tr><td hidden>x<tr><td>f<td hidden>x</table>g<ul><li>h<li hidden>x<ul><li>x</ul>x<li>i<li hidden>x</ul>j`,
			"a\n\nb\nc\n\nd | e\nf\n\ng\n* h\n* i\nj",
		},
		"hidden, and ends": {`a<p hidden>x<b>x</b><br>x</p>b<table><tr><td hidden><table><tr><td>x</td></tr></table>x</td><td>c</td></tr></table><ul><li hidden><ul><li>x</li></ul>x</li><li>d</li></ul>`, "ab\n\nc\n\n* d"},
		"all is hidden":    {`<div style="display:none">but <b>read`, "but read"},
		"zero width":       {"pay\u200b\u202epal&zwnj;&#x34f;", "paypal\u200c"},
		"images":           {`<img src="cid:a" alt="Shot"><img src=x><img src="cid:b">`, "[image: cid:a][image: cid:b]"},
		"not HTML":         {"a < b & c > d\n\ne", "a < b & c > d e"},
		"ends too often":   {"</ul></blockquote></pre></li></a></td>x</div>", "x"},
		"nothing":          {"<script>x", ""},
	} {
		got := FromHTML(c.html, func(src, _ string, _ map[string]string) string {
			if strings.HasPrefix(src, "cid:") {
				return "[image: " + src + "]"
			}
			return ""
		})
		if got != c.want {
			t.Errorf("%s:\n%q, want\n%q", name, got, c.want)
		}
	}
}

func TestBombs(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"divs":        strings.Repeat("<div>", 10_000) + "x",
		"quotes":      strings.Repeat("<blockquote>a", 10_000) + strings.Repeat("</blockquote>", 10_000) + "x",
		"lists":       strings.Repeat("<ul><li>a", 10_000) + strings.Repeat("</blockquote></ul>", 10_000) + "x",
		"links":       strings.Repeat("<a href='https://a.example'>", 10_000) + "x",
		"cells":       strings.Repeat("<td>", 10_000) + "x",
		"paragraphs":  strings.Repeat("<p>a</p>", 20_000) + "x",
		"attributes":  "<p " + strings.Repeat("a=b ", 10_000) + ">x",
		"line breaks": strings.Repeat("<br>", 20_000) + "x",
	} {
		got := FromHTML(html, nil)
		if !strings.Contains(got, "x") || len(got) > 1_000_000 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\r\nb\rc\x00\x1b[1m":    "a\nb\nc[1m",
		"\n\n a \t\n\n\n\n\nb\n":  " a\n\n\nb",
		"\xffgood\xfe":            "\ufffdgood\ufffd",
		"👩\u200d💻 \ufeffx\u202ey": "👩\u200d💻 xy",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Line(" a\n\tb\u2028c "); got != "a b c" {
		t.Errorf("%q", got)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		most int
		want string
	}{{"short", 5, "short"}, {"äöüäöüäöü", 8, "äöüäöü …"}, {"one two three four five six seven eig", 36, "one two three four five six seven …"}, {"abc", 2, " …"}} {
		if got := Cut(c.text, c.most, " …"); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestUnflow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"One \ntwo.\nthree":            "One two.\nthree",
		"> One \n> two\nThree":         "> One two\nThree",
		"> One \nThree":                "> One \nThree",
		"a \n-- \nMe":                  "a \n-- \nMe",
		" From here\n >not a quote":    "From here\n>not a quote",
		"\nafter an empty line":        "\nafter an empty line",
		"Two\n\nparagraphs \nof lines": "Two\n\nparagraphs of lines",
	} {
		if got := Unflow(text, false); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Unflow("日 \n本", true); got != "日本" {
		t.Errorf("%q", got)
	}
}

// FuzzHTML gives any bytes to FromHTML: what comes out must be clean, and not much longer than what went in.
func FuzzHTML(f *testing.F) {
	f.Add("<table><tr><td>a<td>b</table><ul><li><a href=https://a.example>b</a><blockquote>c<pre>d\n e")
	f.Add("<div hidden>a<br></li></ol><ol start=-3><li>b&nbsp;&#0;")
	f.Fuzz(func(t *testing.T, source string) {
		text := FromHTML(source, nil)
		if Clean(text) != text {
			t.Errorf("%q is not clean", text)
		}
		if len(text) > 50*len(source) {
			t.Errorf("%d bytes out of %d", len(text), len(source))
		}
	})
}
