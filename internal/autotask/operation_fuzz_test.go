package autotask

import (
	"bufio"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The grammar of the PSA's paths, said once more: which of the parenthesised parts is there tells the form.
const (
	nameGrammar = `([A-Za-z][A-Za-z0-9_]{0,99})`
	idGrammar   = `(0|-?[1-9][0-9]{0,18})`
)

var (
	pathBytes    = regexp.MustCompile(`^/[A-Za-z0-9/._-]*$`)
	slashes      = regexp.MustCompile(`/+`)
	dotted       = regexp.MustCompile(`/\.|\.(/|$)`)
	freeGrammar  = regexp.MustCompile(`(?i)^/ATServicesRest/(VersionInformation|V1\.0/zoneInformation|swagger/.+)$|^/ATServices/1\.[56]/atws\.(asmx|wsdl)$`)
	soapPost     = regexp.MustCompile(`(?i)^/ATServices/1\.[56]/atws\.asmx$`)
	tailGrammar  = regexp.MustCompile(`(?i)^/ATServicesRest/V1\.0/` + nameGrammar + `(/query(?:/count|/next)?|/entityInformation(?:/fields|/userDefinedFields)?)?$`)
	itemGrammar  = regexp.MustCompile(`(?i)^/ATServicesRest/V1\.0/` + nameGrammar + `/` + idGrammar + `(?:/` + nameGrammar + `(?:/` + idGrammar + `)?)?$`)
	spokenMethod = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
)

// reading is a request line, read by the grammar.
type reading struct {
	valid                      bool
	free                       bool
	kind                       string // "entity", "query", "info", "item", "child", "child item"; empty for what has no entity
	entity, id, child, childID string
}

// readRequestLine reads method and path by the grammar. collapsed is the path with its slashes made single.
func readRequestLine(method, collapsed string) reading {
	switch {
	case !slices.Contains(spokenMethod, method) || !pathBytes.MatchString(collapsed) || dotted.MatchString(collapsed):
		return reading{}
	case freeGrammar.MatchString(collapsed) && method == "GET":
		return reading{valid: true, free: true}
	case soapPost.MatchString(collapsed) && method == "POST":
		return reading{valid: true}
	case freeGrammar.MatchString(collapsed):
		return reading{}
	}
	if m := tailGrammar.FindStringSubmatch(collapsed); m != nil {
		kinds := map[string]string{"": "entity", "query": "query", "entityinformation": "info"}
		first, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(m[2]), "/"), "/")
		return reading{valid: !isAny(m[1], "query", "zoneInformation"), kind: kinds[first], entity: m[1]}
	}
	m := itemGrammar.FindStringSubmatch(collapsed)
	if m == nil {
		return reading{}
	}
	r := reading{kind: "item", entity: m[1], id: m[2], child: m[3], childID: m[4]}
	r.valid = !isAny(r.entity, "query", "zoneInformation") && !isAny(r.child, "query", "entityInformation") && fits64(r.id) && fits64(r.childID)
	if r.child != "" {
		r.kind = "child"
	}
	if r.childID != "" {
		r.kind = "child item"
	}
	return r
}

func isAny(name string, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func fits64(digits string) bool {
	n, ok := new(big.Int).SetString(digits, 10)
	return digits == "" || ok && n.IsInt64()
}

// documented are the methods of each kind that the API's documents list: a 2xx to one of them follows a sign-in.
var documented = map[string][]string{
	"entity":     {"POST", "PUT", "PATCH"},
	"query":      {"GET", "POST"},
	"info":       {"GET"},
	"item":       {"GET", "DELETE"},
	"child":      {"GET", "POST", "PUT", "PATCH"},
	"child item": {"GET", "DELETE"},
}

// provesASignIn says what SignsIn should.
func (r reading) provesASignIn(method string) bool {
	if r.kind == "entity" && isAny(r.entity, strings.Fields(serviceNames)...) {
		return method == "GET"
	}
	return slices.Contains(documented[r.kind], method) && isAny(r.entity, strings.Fields(rootNames)...) && !isAny(r.entity, strings.Fields(serviceNames)...) &&
		(r.child == "" || r.knowsChild())
}

func (r reading) knowsChild() bool {
	for parent, names := range childNames {
		if strings.EqualFold(parent, r.entity) {
			return isAny(r.child, strings.Fields(names)...)
		}
	}
	return false
}

// FuzzParseOperation: what is taken is what the grammar above takes; the path that is sent is the one that was asked for,
// it is read alike by everybody, and it arrives with the query string as it was.
func FuzzParseOperation(f *testing.F) {
	for _, method := range []string{"GET", "POST", "PATCH", "TRACE"} {
		f.Add(method, v1+"Tickets/1", "")
		f.Add(method, "//ATServicesRest//v1.0//x/-1", "a=b")
	}
	f.Fuzz(func(t *testing.T, method, asked, query string) {
		collapsed := slashes.ReplaceAllString(asked, "/")
		if len(collapsed) > 1 {
			collapsed = strings.TrimSuffix(collapsed, "/")
		}
		want := readRequestLine(method, collapsed)
		op, err := ParseOperation(method, asked)
		if wanted := want.valid && len(asked) <= maxPath; (err == nil) != wanted {
			t.Fatalf("%s %q: %v, and by the grammar it is valid: %v", method, asked, err, wanted)
		}
		if err != nil {
			checkRefusal(t, op, collapsed, err)
			return
		}
		checkMeaning(t, method, op, want)
		checkCanonical(t, op, asked, collapsed)
		checkArrives(t, op, query)
	})
}

// checkRefusal: nothing is known of what is refused, but for the interface whose errors the caller reads.
func checkRefusal(t *testing.T, op Operation, collapsed string, err error) {
	t.Helper()
	re, ok := errors.AsType[*RequestError](err)
	root, _, _ := strings.Cut(strings.TrimPrefix(collapsed, "/"), "/")
	known := op == Operation{} || op == Operation{API: SOAP} && strings.EqualFold(root, "ATServices")
	if !ok || !known || re.Reason != BadRequest && re.Reason != NotFound {
		t.Fatalf("refused as %v with %+v", err, op)
	}
}

func checkMeaning(t *testing.T, method string, op Operation, want reading) {
	t.Helper()
	if op.Method != method || op.Free != want.free || !strings.EqualFold(op.Entity, want.entity) || op.ID != want.id || !strings.EqualFold(op.Child, want.child) || op.ChildID != want.childID {
		t.Fatalf("%s became %+v, want %+v", method, op, want)
	}
	if op.SignsIn() != want.provesASignIn(method) {
		t.Fatalf("%s %s: SignsIn is %v", method, op.Path(), op.SignsIn())
	}
	if want.kind == "" {
		return
	}
	actions := map[string][]Action{"GET": {Read, Query}, "POST": {Query, Create, Update}, "PUT": {Update}, "PATCH": {Update}, "DELETE": {Delete}}
	if !slices.Contains(actions[method], op.Action) {
		t.Fatalf("%s %s is judged as %q", method, op.Path(), op.Action)
	}
}

// checkCanonical holds the canonical path against the one that was asked for, and against how others read it.
func checkCanonical(t *testing.T, op Operation, asked, collapsed string) {
	t.Helper()
	canonical := op.Path()
	if !strings.EqualFold(canonical, collapsed) {
		t.Fatalf("%q became %q", asked, canonical)
	}
	if !strings.HasPrefix(canonical, "/ATServicesRest/") && !strings.HasPrefix(canonical, "/ATServices/1.") {
		t.Fatalf("%q leads out of the interfaces: %q", asked, canonical)
	}
	for _, name := range []string{op.Entity, op.Child} {
		if !strings.Contains(collapsed, name) && !isAny(name, EntityNames()...) && !isAny(op.Entity+"/"+op.Child, EntityNames()...) {
			t.Fatalf("%q: the name %q is neither the PSA's spelling nor the caller's", asked, name)
		}
	}
	unescaped, err := url.PathUnescape(canonical)
	u, errURL := url.ParseRequestURI(canonical)
	if err != nil || unescaped != canonical || errURL != nil || u.Path != canonical || u.EscapedPath() != canonical || u.Host != "" || path.Clean(canonical) != canonical {
		t.Fatalf("%q is read in more than one way: %q, %+v", canonical, unescaped, u)
	}
	for _, spelling := range []string{canonical, strings.ReplaceAll(canonical, "/", "//"), canonical + "/"} {
		if again, err := ParseOperation(op.Method, spelling); len(spelling) <= maxPath && (err != nil || again != op) {
			t.Fatalf("%q: %+v, and as %q: %+v, %v", asked, op, spelling, again, err)
		}
	}
}

// checkArrives sends the request and reads it as a server does.
func checkArrives(t *testing.T, op Operation, query string) {
	t.Helper()
	if CheckQuery(query) != nil {
		return
	}
	base, err := ParseBase("https://"+psaHost, HostRule{})
	if err != nil {
		t.Fatal(err)
	}
	var wire strings.Builder
	out := &http.Request{Method: op.Method, URL: base.URL(op, query), Header: http.Header{}}
	if err := out.Write(&wire); err != nil {
		t.Fatal(err)
	}
	in, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
	if err != nil || in.Method != op.Method || in.URL.Path != op.Path() || in.URL.RawQuery != query || in.Host != psaHost || in.URL.Host != "" {
		t.Fatalf("%s %s?%s arrived as %q: %v", op.Method, op.Path(), query, wire.String(), err)
	}
}
