package soap

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// scanned reads a document to its end.
func scanned(src io.Reader) error {
	s := newScanner(src)
	defer s.free()
	for {
		if k, err := s.next(); err != nil || k == atEnd {
			return err
		}
	}
}

func TestWhatXMLReadersAreAttackedWithIsRefused(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for name, c := range map[string]struct{ xml, want string }{
		"a document type":                  {`<!DOCTYPE a><a/>`, "DOCTYPE"},
		"a document type in lower case":    {`<!doctype a><a/>`, "DOCTYPE"},
		"an external entity":               {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "DOCTYPE"},
		"an entity that nobody declares":   {`<a>&nbsp;</a>`, "refers to an entity"},
		"an entity in an attribute":        {`<a b="&nbsp;"/>`, "refers to an entity"},
		"a long entity":                    {`<a>&` + strings.Repeat("x", 20) + `;</a>`, "refers to an entity"},
		"a lone ampersand":                 {`<a>& b</a>`, "begins no reference"},
		"an empty reference":               {`<a>&;</a>`, "begins no reference"},
		"a reference without digits":       {`<a>&#;</a>`, "begins no reference"},
		"a reference without hex digits":   {`<a>&#x;</a>`, "begins no reference"},
		"a reference with a capital X":     {`<a>&#X41;</a>`, "begins no reference"},
		"a reference to NUL":               {`<a>&#0;</a>`, "does not allow"},
		"a digit that is none":             {`<a>&#xg;</a>`, "begins no reference"},
		"a hex digit in a decimal":         {`<a>&#1a;</a>`, "begins no reference"},
		"a CDATA section before the root":  {`<![CDATA[]]><a/>`, "root element"},
		"a section of another kind":        {`<a><![INCLUDE[]]></a>`, "a declaration"},
		"a reference to a surrogate":       {`<a>&#xD800;</a>`, "does not allow"},
		"a reference beyond Unicode":       {`<a>&#x110000;</a>`, "does not allow"},
		"a reference far beyond Unicode":   {`<a>&#x100000041;</a>`, "does not allow"},
		"a reference with many zeros":      {`<a>&#00000000000000000065;</a>`, "longer than any"},
		"a reference that an end cuts":     {`<a b="&amp"/>`, "begins no reference"},
		"an instruction":                   {`<a><?php x?></a>`, "processing instruction"},
		"a stylesheet":                     {`<?xml-stylesheet href="x"?><a/>`, "processing instruction"},
		"a late declaration":               {` <?xml version="1.0"?><a/>`, "processing instruction"},
		"two declarations":                 {`<?xml version="1.0"?><?xml version="1.0"?><a/>`, "processing instruction"},
		"a declaration of DTDs'":           {`<a><!ELEMENT a ANY></a>`, "a declaration"},
		"XML 1.1":                          {`<?xml version="1.1"?><a/>`, "not XML 1.0"},
		"another encoding":                 {`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "not UTF-8"},
		"UTF-16 declared":                  {`<?xml version="1.0" encoding="utf-16"?><a/>`, "not UTF-8"},
		"no version":                       {`<?xml encoding="utf-8"?><a/>`, "malformed"},
		"an order of its own":              {`<?xml version="1.0" standalone="yes" encoding="utf-8"?><a/>`, "malformed"},
		"a declaration with more":          {`<?xml version="1.0" x="1"?><a/>`, "malformed"},
		"standalone of another word":       {`<?xml version="1.0" standalone="maybe"?><a/>`, "malformed"},
		"a declaration without blanks":     {`<?xml version="1.0"encoding="utf-8"?><a/>`, "malformed"},
		"a long declaration":               {`<?xml version="1.0"` + strings.Repeat(" ", 300) + `?><a/>`, "malformed"},
		"UTF-16 by its mark":               {"\xff\xfe<\x00a\x00", "UTF-16"},
		"UTF-16 the other way":             {"\xfe\xff\x00<", "UTF-16"},
		"UTF-16 without mark":              {"<\x00a\x00/\x00>\x00", "UTF-16"},
		"UTF-32":                           {"\x00\x00\x00<", "UTF-16"},
		"bytes that are no UTF-8":          {"<a>\xe9</a>", "no UTF-8"},
		"an overlong character":            {"<a>\xc0\xbc</a>", "no UTF-8"},
		"a surrogate in UTF-8":             {"<a>\xed\xa0\x80</a>", "no UTF-8"},
		"no UTF-8 in an attribute":         {"<a b=\"\xe9\"/>", "no UTF-8"},
		"no UTF-8 in a comment":            {"<a><!--\xe9--></a>", "no UTF-8"},
		"no UTF-8 in a CDATA section":      {"<a><![CDATA[\xe9]]></a>", "no UTF-8"},
		"NUL":                              {"<a>\x00</a>", "does not allow"},
		"a control character":              {"<a>\x1b</a>", "does not allow"},
		"a control character in a value":   {"<a b='\x01'/>", "does not allow"},
		"a control character in a comment": {"<a><!--\x01--></a>", "does not allow"},
		"U+FFFE":                           {"<a>\uFFFE</a>", "does not allow"},
		"33 elements deep":                 {deep(33), "more than 32 deep"},
		"a long name":                      {"<" + strings.Repeat("a", 257) + "/>", "longer than 256"},
		"a long attribute's name":          {"<a " + strings.Repeat("a", 257) + "='1'/>", "longer than 256"},
		"a long value":                     {"<a b='" + strings.Repeat("a", 16<<10) + "'/>", "longer than 16 KiB"},
		"a tag without end":                {"<a " + strings.Repeat(" ", 32<<10), "longer than 16 KiB"},
		"65 attributes":                    {"<a" + strings.Repeat(" xmlns:b='x'", 65) + "/>", "twice"},
		"many attributes":                  {"<a" + manyAttributes(65) + "/>", "more than 64"},
		"an attribute twice":               {"<a b='1' b='1'/>", "twice"},
		"an attribute twice by namespace":  {"<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='1'/>", "twice"},
		"a namespace twice":                {"<a xmlns='x' xmlns='x'/>", "twice"},
		"an unbound prefix":                {"<p:a/>", "no namespace"},
		"an attribute's unbound prefix":    {"<a p:b='1'/>", "no namespace"},
		"a prefix whose element ended":     {"<a><b xmlns:p='x'/><p:c/></a>", "no namespace"},
		"a prefix of XML's own":            {"<xmlns:a/>", "no namespace"},
		"xml bound to another":             {"<a xmlns:xml='x'/>", "XML's own"},
		"another bound to xml":             {"<a xmlns:p='" + nsXML + "'/>", "XML's own"},
		"xmlns bound":                      {"<a xmlns:xmlns='x'/>", "XML's own"},
		"a namespace taken away":           {"<a xmlns:p=''/>", "not XML 1.0"},
		"another end tag":                  {"<a></b>", "end tag"},
		"an end tag with another prefix":   {"<a xmlns:p='x' xmlns:q='x'><p:b></q:b></a>", "end tag"},
		"an end tag of a longer name":      {"<a><b></bb></a>", "end tag"},
		"an end tag alone":                 {"</a>", "end tag"},
		"an end tag with attributes":       {"<a></a b='1'>", "end tag"},
		"a second root":                    {"<a/><b/>", "root element"},
		"text before the root":             {"x<a/>", "root element"},
		"text behind the root":             {"<a/>x", "root element"},
		"a CDATA section behind the root":  {"<a/><![CDATA[]]>", "root element"},
		"a section's end in text":          {"<a>]]></a>", `"]]>"`},
		"an angle in an attribute":         {"<a b='<'/>", "&lt;"},
		"a comment with two hyphens":       {"<a><!-- -- --></a>", `"--"`},
		"a comment with three at its end":  {"<a><!-- ---></a>", `"--"`},
		"an attribute without quotes":      {"<a b=1/>", "attribute is malformed"},
		"an attribute without a value":     {"<a b/>", "attribute is malformed"},
		"attributes without blanks":        {"<a b='1'c='2'/>", "attribute is malformed"},
		"a slash in a tag":                 {"<a / b='1'>", "attribute is malformed"},
		"a name with two colons":           {"<a:b:c/>", "malformed"},
		"a name that ends in a colon":      {"<a:/>", "colon"},
		"a name that begins with a digit":  {"<1/>", "malformed"},
		"a name that is not ASCII":         {"<é/>", "malformed"},
		"a tag without name":               {"< a/>", "no name"},
		"nothing":                          {"", "breaks off"},
		"blanks alone":                     {" \n", "breaks off"},
	} {
		for how, src := range map[string]io.Reader{"whole": strings.NewReader(c.xml), "by the byte": iotest.OneByteReader(strings.NewReader(c.xml))} {
			var r *Refusal
			if err := scanned(src); !errors.As(err, &r) || !strings.Contains(r.Text, c.want) {
				t.Errorf("%s, %s: %v, want %q", name, how, err, c.want)
			}
		}
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" b" + strings.Repeat("b", i) + "='1'")
	}
	return b.String()
}

func TestWhatIsWellFormedIsRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("€uro &amp; ]] ]&gt; \r\n", 10_000)
	for name, xml := range map[string]string{
		"a byte order mark":            "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><a/>",
		"a standalone alone":           "<?xml version=\"1.0\" standalone=\"no\"?><a/>",
		"a comment before and behind":  "<!-- x --><a/><!-- - -->\n",
		"a long comment":               "<a><!--" + long + "--></a>",
		"a long section":               "<a><![CDATA[" + long + "<b>]]]></a>",
		"a long text":                  "<a>" + long + "</a>",
		"32 elements deep":             strings.Repeat("<a>", 32) + strings.Repeat("</a >", 32),
		"64 attributes":                "<a" + manyAttributes(64) + "/>",
		"a section's end in a value":   "<a b=']]>' c = \"it's\"/>",
		"xml:space":                    "<a xml:space='preserve' xmlns:xml='" + nsXML + "'/>",
		"a default taken away":         "<a xmlns='x'><b xmlns=''/></a>",
		"a name of 256 bytes":          "<" + strings.Repeat("a", 256) + "/>",
		"what is outside of the plane": "<a>\U0001F600&#x1F600;&#65;</a>",
		"characters of four bytes":     "<a><![CDATA[\U0001F600\U0001F600]]><!--\U0001F600\U0001F600--></a>",
		"an empty section":             "<a><![CDATA[]]></a>",
		"a carriage return at the end": "<a/>\r",
	} {
		for how, src := range map[string]io.Reader{"whole": strings.NewReader(xml), "by the byte": iotest.OneByteReader(strings.NewReader(xml))} {
			if err := scanned(src); err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			}
		}
	}
}

func TestTextIsWhatAnotherReaderReads(t *testing.T) {
	t.Parallel()
	for _, inner := range []string{
		"a\r\nb\rc\n\rd", "&lt;&gt;&amp;&quot;&apos;&#13;&#x0A;é", "a<![CDATA[&amp;\r\n]]]]>b", "\r", "]]&gt;", strings.Repeat("\r\n&amp;", 20_000),
	} {
		doc := "<a>" + inner + "</a>"
		var want string
		if err := xml.Unmarshal([]byte(doc), &want); err != nil {
			t.Fatal(err)
		}
		for _, src := range []io.Reader{strings.NewReader(doc), iotest.OneByteReader(strings.NewReader(doc))} {
			r := reader{scanner: newScanner(src)}
			if _, err := r.step(); err != nil {
				t.Fatal(err)
			}
			if err := r.chars(1 << 20); err != nil || string(r.kept) != want {
				t.Errorf("%.50q: %.50q, %v, want %.50q", inner, r.kept, err, want)
			}
			r.free()
		}
	}
}
