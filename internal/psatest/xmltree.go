package psatest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// node is an element of a document that was sent, with the names of namespaces put in for their prefixes.
type node struct {
	name   xml.Name
	attrs  []xml.Attr
	chars  []byte // of its own, without its children's
	kids   []*node
	parent *node
}

// maxDepth is how deep elements may be nested; what clients send is not a tenth of it.
const maxDepth = 100

var (
	errDTD   = complaint("For security reasons DTD is prohibited in this XML document.")
	errDeep  = complaint("The elements are nested too deep.")
	errRoots = complaint("Data at the root level is invalid.")
)

// parseXML reads a whole document. A DTD is refused, and so is every entity that needs one.
func parseXML(doc []byte) (*node, error) {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))))
	t := tree{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return t.root, t.whole()
		}
		if err == nil {
			err = t.take(token)
		}
		if err != nil {
			return nil, err
		}
	}
}

// tree is a document of which a part was read.
type tree struct {
	root, at *node
	depth    int
}

func (t *tree) whole() error {
	if t.root == nil {
		return errRoots
	}
	return nil
}

func (t *tree) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.Directive:
		return errDTD
	case xml.StartElement:
		return t.enter(token)
	case xml.EndElement:
		t.at, t.depth = t.at.parent, t.depth-1
	case xml.CharData:
		switch {
		case t.at != nil:
			t.at.chars = append(t.at.chars, token...)
		case len(bytes.TrimSpace(token)) > 0:
			return errRoots
		}
	}
	return nil
}

func (t *tree) enter(start xml.StartElement) error {
	n := &node{name: start.Name, attrs: start.Attr, parent: t.at}
	switch {
	case t.at != nil:
		t.at.kids = append(t.at.kids, n)
	case t.root != nil:
		return errRoots
	default:
		t.root = n
	}
	t.at = n
	if t.depth++; t.depth > maxDepth {
		return errDeep
	}
	return nil
}

// child is the first child of a namespace with a name, nil if there is none; of nil it is nil.
func (n *node) child(space, local string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == (xml.Name{Space: space, Local: local}) {
			return k
		}
	}
	return nil
}

// value is the text, trimmed; of nil it is empty.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.text())
}

// text is what the element holds between its children, with its blanks.
func (n *node) text() string { return string(n.chars) }

// attr is an attribute's value, its name in any case; "" where there is none.
func (n *node) attr(space, local string) string {
	for _, a := range n.attrs {
		if a.Name.Space == space && strings.EqualFold(a.Name.Local, local) {
			return a.Value
		}
	}
	return ""
}

// qualified puts the namespace in for the prefix of a name that stands in an attribute's value.
func (n *node) qualified(name string) xml.Name {
	prefix, local, has := strings.Cut(strings.TrimSpace(name), ":")
	if !has {
		prefix, local = "", prefix
	}
	return xml.Name{Space: n.namespace(prefix), Local: local}
}

// namespace is what a prefix stands for here; the empty prefix is the default namespace.
func (n *node) namespace(prefix string) string {
	want := xml.Name{Space: "xmlns", Local: prefix}
	if prefix == "" {
		want = xml.Name{Local: "xmlns"}
	}
	for at := n; at != nil; at = at.parent {
		for _, a := range at.attrs {
			if a.Name == want {
				return a.Value
			}
		}
	}
	return ""
}
