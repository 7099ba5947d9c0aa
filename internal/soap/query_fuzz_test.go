package soap

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
)

// FuzzQueryXML: of a query that is read, another reader sees the same entity and the same fields.
func FuzzQueryXML(f *testing.F) {
	for _, seed := range []string{
		ticketQuery,
		`<?xml version="1.0" encoding="utf-16"?><queryxml version="1.0"><entity> Account </entity></queryxml>`,
		`<queryxml><entity>A<![CDATA[b]]></entity><query><condition><field udf="true">x &amp; y<expression op="isnull"/></field>` +
			`<condition operator="OR"><field>&#105;d<expression op="equals">1</expression></field></condition></condition></query></queryxml>`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, query string, section bool) {
		body := asking(query)
		if section && !strings.Contains(query, "]]>") {
			body = `<t:query><t:sXML><![CDATA[` + query + `]]></t:sXML></t:query>`
		} else if err := xml.Unmarshal([]byte("<a>"+escaped(query)+"</a>"), &query); err != nil { // without what XML does not have
			t.Fatal(err)
		}
		q, err := Read(strings.NewReader(enveloped("", body)), action(Query))
		if err != nil {
			return
		}
		entity, fields := otherQuery(t, query)
		if entity != q.Entity || !slices.Equal(fields, q.Filters) {
			t.Fatalf("another reader sees %q %q, not %q %q\n%s", entity, fields, q.Entity, q.Filters, query)
		}
	})
}

// otherQuery reads a query with encoding/xml. What a field's name is, is the text before its first expression.
func otherQuery(t *testing.T, query string) (entity string, fields []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(query))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var path []string
	name := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return strings.Trim(entity, blanks), fields
		}
		if err != nil {
			t.Fatalf("another reader refuses it: %v\n%s", err, query)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			if token.Name.Local == "field" {
				name = ""
				if len(token.Attr) > 0 && strings.EqualFold(token.Attr[0].Value, "true") {
					name = UDFPrefix
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
			udf := strings.HasPrefix(name, UDFPrefix)
			if trimmed := strings.Trim(strings.TrimPrefix(name, UDFPrefix), blanks); token.Name.Local == "field" {
				if udf {
					trimmed = UDFPrefix + trimmed
				}
				if !slices.Contains(fields, trimmed) {
					fields = append(fields, trimmed)
				}
			}
		case xml.CharData:
			switch {
			case len(path) == 2 && path[1] == "entity":
				entity += string(token)
			case len(path) > 0 && path[len(path)-1] == "field":
				name += string(token)
			}
		}
	}
}
