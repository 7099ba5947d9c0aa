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
	Entity       string      `json:"entity"`
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
	rd.object(n, map[string]func(node){
		"integration": who(Integration), "person": who(Person), "mailbox": who(Mailbox),
		"groups":       func(n node) { r.Principal.Groups = rd.strings(n) },
		"action":       func(n node) { r.Action = Action(rd.word(n, words().actions...)) },
		"entity":       func(n node) { r.Entity = rd.str(n) },
		"id":           func(n node) { r.ID = rd.str(n) },
		"parent":       func(n node) { r.Parent = rd.parent(n) },
		"api":          func(n node) { r.API = rd.word(n, apis...) },
		"method":       func(n node) { r.Method = rd.word(n, methods...) },
		"fields":       func(n node) { r.Fields = rd.names(n) },
		"filters":      func(n node) { r.Filters = rd.names(n) },
		"returns":      func(n node) { r.Returns = rd.names(n) },
		"time":         func(n node) { r.Time = rd.time(n) },
		"source_ip":    func(n node) { r.SourceIP = rd.address(n) },
		"impersonates": func(n node) { r.Impersonates = rd.boolean(n) },
		"zone":         func(n node) { r.Zone = rd.str(n) },
		"factor_age":   func(n node) { d := rd.duration(n); age = &d },
	})
	switch {
	case age != nil && r.Time.IsZero():
		rd.wrong(n.offset, `"factor_age" counts from "time", which is missing`)
	case age != nil:
		r.LastFactor = r.Time.Add(-*age)
	}
	rd.complete(n, r, principals)
	return r
}

func (rd *reader) complete(n node, r Request, principals int) {
	switch {
	case principals != 1:
		rd.wrong(n.offset, `a request has one of "integration", "person" and "mailbox"`)
	case r.Action == "":
		rd.wrong(n.offset, `a request has an "action"`)
	case r.Entity == "":
		rd.wrong(n.offset, `a request has an "entity"`)
	}
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
