package soap

// opened are the names of the elements that are open, as they are spelled, in one piece of memory.
type opened struct {
	spelled []byte
	ends    []int // where each name ends in spelled
}

func (o opened) none() opened { return opened{o.spelled[:0], o.ends[:0]} }

func (o *opened) push(name []byte) {
	o.spelled = append(o.spelled, name...)
	o.ends = append(o.ends, len(o.spelled))
}

// last is the name of the innermost one.
func (o *opened) last() []byte { return o.spelled[o.start():] }

func (o *opened) start() int {
	if len(o.ends) < 2 {
		return 0
	}
	return o.ends[len(o.ends)-2]
}

func (o *opened) pop() {
	o.spelled = o.spelled[:o.start()]
	o.ends = o.ends[:len(o.ends)-1]
}

// binding is what a prefix stands for, from the element at depth on. The default namespace has the prefix "".
type binding struct {
	prefix, uri string
	depth       int
}

// bindings are those in scope, the innermost last.
type bindings []binding

// of returns the namespace that a prefix stands for. Without a declaration there is no default namespace, and no other prefix.
func (b bindings) of(prefix []byte) (uri string, ok bool) {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i].prefix == string(prefix) {
			return b[i].uri, true
		}
	}
	if string(prefix) == "xml" {
		return nsXML, true
	}
	return "", len(prefix) == 0
}

// leave forgets what the elements below depth had declared.
func (b *bindings) leave(depth int) {
	for len(*b) > 0 && (*b)[len(*b)-1].depth > depth {
		*b = (*b)[:len(*b)-1]
	}
}
