package policy

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"
)

// requestJSON is a request as JSON has it, in the order in which it is written. What is not known is left out.
type requestJSON struct {
	Integration  string      `json:"integration,omitempty"`
	Person       string      `json:"person,omitempty"` // <issuer>/<name>
	Mailbox      string      `json:"mailbox,omitempty"`
	Groups       []string    `json:"groups,omitempty"`
	Action       Action      `json:"action"`
	On           *onJSON     `json:"on,omitempty"`
	Entity       string      `json:"entity,omitempty"`
	ID           string      `json:"id,omitempty"`
	Parent       *parentJSON `json:"parent,omitempty"`
	API          string      `json:"api,omitempty"`
	Method       string      `json:"method,omitempty"`
	Fields       *[]string   `json:"fields,omitempty"`
	Filters      *[]string   `json:"filters,omitempty"`
	Returns      *[]string   `json:"returns,omitempty"`
	Time         *time.Time  `json:"time,omitempty"`
	SourceIP     *netip.Addr `json:"source_ip,omitempty"`
	Impersonates bool        `json:"impersonates,omitempty"`
	Zone         string      `json:"zone,omitempty"`
	FactorAge    string      `json:"factor_age,omitempty"`
}

type parentJSON struct {
	Entity string `json:"entity"`
	ID     string `json:"id,omitempty"`
}

// onJSON is what a deed is done on: one of the four.
type onJSON struct {
	Integration string   `json:"integration,omitempty"`
	Login       string   `json:"login,omitempty"`
	Person      string   `json:"person,omitempty"` // <issuer>/<name>
	Mailbox     string   `json:"mailbox,omitempty"`
	Groups      []string `json:"groups,omitempty"` // of an integration
}

// MarshalJSON writes a request in the form that cases have.
func (r Request) MarshalJSON() ([]byte, error) {
	j := requestJSON{
		Groups: r.Principal.Groups, Action: r.Action, Entity: r.Entity, ID: r.ID, API: r.API, Method: r.Method,
		Fields: r.Fields.json(), Filters: r.Filters.json(), Returns: r.Returns.json(),
		Impersonates: r.Impersonates, Zone: r.Zone,
	}
	switch r.Principal.Kind {
	case Integration:
		j.Integration = r.Principal.Name
	case Person:
		j.Person = r.Principal.Issuer + "/" + r.Principal.Name
	case Mailbox:
		j.Mailbox = r.Principal.Name
	}
	j.On = r.On.json()
	if r.Parent != (Parent{}) {
		j.Parent = &parentJSON{r.Parent.Entity, r.Parent.ID}
	}
	if !r.Time.IsZero() {
		j.Time = &r.Time
	}
	if r.SourceIP.IsValid() {
		j.SourceIP = &r.SourceIP
	}
	if !r.LastFactor.IsZero() && !r.Time.IsZero() {
		j.FactorAge = r.Time.Sub(r.LastFactor).String()
	}
	return json.Marshal(j)
}

func (t Target) json() *onJSON {
	switch t.Kind {
	case Integration:
		return &onJSON{Integration: t.Name, Groups: t.Groups}
	case Login:
		return &onJSON{Login: t.Name}
	case Person:
		return &onJSON{Person: t.Issuer + "/" + t.Name}
	case Mailbox:
		return &onJSON{Mailbox: t.Name}
	}
	return nil
}

func (n Names) json() *[]string {
	if !n.known {
		return nil
	}
	list := append([]string{}, n.list...)
	return &list
}

// UnmarshalJSON reads a request in the form that cases have. Its error is Problems.
func (r *Request) UnmarshalJSON(text []byte) error {
	n, problem := tree("request", string(text))
	if problem != nil {
		return Problems{*problem}
	}
	rd := &reader{file: "request", text: string(text)}
	*r = rd.request(n)
	return rd.problems.orNil()
}

// request reads a request. One without a principal, action or entity is wrong.
func (rd *reader) request(n node) Request {
	var r Request
	var age *time.Duration
	principals := 0
	who := func(kind Kind) func(node) {
		return func(n node) {
			principals++
			r.Principal.Kind, r.Principal.Name = kind, rd.str(n)
			if kind == Person {
				rd.person(n, &r.Principal)
			}
		}
	}
	var called []string // words that only calls have
	ofCall := func(word string, read func(node)) func(node) {
		return func(n node) {
			called = append(called, word)
			read(n)
		}
	}
	rd.object(n, map[string]func(node){
		"integration": who(Integration), "person": who(Person), "mailbox": who(Mailbox),
		"groups":       func(n node) { r.Principal.Groups = rd.strings(n) },
		"action":       func(n node) { r.Action = Action(rd.word(n, words().actions...)) },
		"on":           func(n node) { r.On = rd.on(n) },
		"entity":       ofCall("entity", func(n node) { r.Entity = rd.str(n) }),
		"id":           ofCall("id", func(n node) { r.ID = rd.str(n) }),
		"parent":       ofCall("parent", func(n node) { r.Parent = rd.parent(n) }),
		"api":          ofCall("api", func(n node) { r.API = rd.word(n, apis...) }),
		"method":       ofCall("method", func(n node) { r.Method = rd.word(n, methods...) }),
		"fields":       ofCall("fields", func(n node) { r.Fields = rd.names(n) }),
		"filters":      ofCall("filters", func(n node) { r.Filters = rd.names(n) }),
		"returns":      ofCall("returns", func(n node) { r.Returns = rd.names(n) }),
		"time":         func(n node) { r.Time = rd.time(n) },
		"source_ip":    func(n node) { r.SourceIP = rd.address(n) },
		"impersonates": ofCall("impersonates", func(n node) { r.Impersonates = rd.boolean(n) }),
		"zone":         ofCall("zone", func(n node) { r.Zone = rd.str(n) }),
		"factor_age":   func(n node) { d := rd.duration(n); age = &d },
	})
	switch {
	case age != nil && r.Time.IsZero():
		rd.wrong(n.offset, `"factor_age" counts from "time", which is missing`)
	case age != nil:
		r.LastFactor = r.Time.Add(-*age)
	}
	rd.complete(n, r, principals, called)
	return r
}

func (rd *reader) complete(n node, r Request, principals int, called []string) {
	switch {
	case principals != 1:
		rd.wrong(n.offset, `a request has one of "integration", "person" and "mailbox"`)
	case r.Action == "":
		rd.wrong(n.offset, `a request has an "action"`)
	case r.isDeed() || r.Action.DoneOn() != "":
		rd.completeDeed(n, r, called)
	case r.Entity == "":
		rd.wrong(n.offset, `a request has an "entity"`)
	}
}

// completeDeed sees that a deed has all that it has, and nothing else.
func (rd *reader) completeDeed(n node, r Request, called []string) {
	kind := strings.ToLower(string(r.Action.DoneOn()))
	switch {
	case kind == "":
		rd.wrong(n.offset, "%s is done to an \"entity\", and not \"on\" anything of psagate's own", r.Action)
	case r.Principal.Kind != Person:
		rd.wrong(n.offset, `%s is done by a "person" alone`, r.Action)
	case r.Action.DoneOn() != r.On.Kind:
		rd.wrong(n.offset, `%s is done "on" one thing, {"%s": …}`, r.Action, kind)
	case len(called) > 0:
		rd.wrong(n.offset, "%q is a call's; %s has none", called[0], r.Action)
	}
}

// on reads what a deed is done on.
func (rd *reader) on(n node) Target {
	var t Target
	named := 0
	is := func(kind Kind) func(node) {
		return func(n node) {
			named++
			t.Kind, t.Name = kind, rd.str(n)
			if kind == Person {
				var p Principal
				p.Name = t.Name
				rd.person(n, &p)
				t.Issuer, t.Name = p.Issuer, p.Name
			}
		}
	}
	rd.object(n, map[string]func(node){
		"integration": is(Integration), "login": is(Login), "person": is(Person), "mailbox": is(Mailbox),
		"groups": func(n node) { t.Groups = rd.strings(n) },
	})
	if named != 1 || t.Name == "" {
		rd.wrong(n.offset, `a deed is done "on" one "integration", "login", "person" or "mailbox"`)
	} else if t.Kind != Integration && len(t.Groups) > 0 {
		rd.wrong(n.offset, `only an "integration" has "groups" here`)
	}
	return t
}

func (rd *reader) person(n node, p *Principal) {
	issuer, name, both := strings.Cut(p.Name, "/")
	if !both || issuer == "" || name == "" {
		rd.wrong(n.offset, `a person has the issuer in front, "<issuer>/<name>"`)
	}
	p.Issuer, p.Name = issuer, name
}

func (rd *reader) parent(n node) Parent {
	var p Parent
	rd.object(n, map[string]func(node){
		"entity": func(n node) { p.Entity = rd.str(n) },
		"id":     func(n node) { p.ID = rd.str(n) },
	})
	if p.Entity == "" {
		rd.wrong(n.offset, `a parent has an "entity"`)
	}
	return p
}

// names reads names, null for unknown ones.
func (rd *reader) names(n node) Names {
	if n.value == nil {
		return Names{}
	}
	return Known(rd.strings(n)...)
}

func (rd *reader) address(n node) netip.Addr {
	a, err := netip.ParseAddr(rd.str(n))
	if err != nil {
		rd.wrong(n.offset, `expected an address as in "192.0.2.7"`)
	}
	return a
}
