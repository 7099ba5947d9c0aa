package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/nearest"
)

func init() {
	caddy.RegisterModule(new(MatchOperation))
}

// MatchOperation matches calls by what they do to what, as the PSA will understand them: it reads method and path as
// psa_proxy does, for the method alone does not tell a query from a creation. A request that is no call of the PSA's
// matches nothing. A SOAP call matches by its action, which its header SOAPAction tells; what it is about is in its body, which is
// not read here, so that it matches nothing where entities are named. Lookups that need no sign-in, such as a zone's, are
// reads of no entity.
//
// In an expression it is
//
//	psa({'entity': ['Tickets'], 'action': ['create', 'update']})
//
// and whoever calls is, after psa_identify, {psa.integration}.
type MatchOperation struct {
	// Entities are the names that the call may be about, in any case. Default: all.
	//
	// A name is that of an entity alone: Tickets are not Tickets/Notes, which is the name of a ticket's notes, and not
	// TicketNotes, by which the PSA has them too. A rule about notes names both.
	Entities []string `json:"entities,omitempty"`

	// Actions are what the call may do: read, query, create, update or delete. Default: all of them. At least one
	// entity or action is named.
	Actions []string `json:"actions,omitempty"`
}

// actionWords are the actions that there are.
var actionWords = []string{string(autotask.Read), string(autotask.Query), string(autotask.Create), string(autotask.Update), string(autotask.Delete)}

// CaddyModule returns the Caddy module information.
func (*MatchOperation) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.psa", New: func() caddy.Module { return new(MatchOperation) }}
}

// Provision warns of names that may be misspelt.
func (m *MatchOperation) Provision(ctx caddy.Context) error {
	for _, name := range m.Entities {
		if meant := misspelt(name); meant != "" {
			ctx.Logger().Warn("the matcher psa names an entity that this version does not know: it matches if the PSA has it", zap.String("entity", shown(name)), zap.String("did_you_mean", meant))
		}
	}
	return nil
}

// Validate says what is wrong with the names.
func (m *MatchOperation) Validate() error {
	if len(m.Entities)+len(m.Actions) == 0 {
		return fmt.Errorf("the matcher psa names neither an entity nor an action, so nothing says what it is to match")
	}
	for _, name := range m.Entities {
		if err := checkEntity(name); err != nil {
			return err
		}
	}
	for _, name := range m.Actions {
		if err := checkAction(name); err != nil {
			return err
		}
	}
	return nil
}

func checkAction(name string) error {
	if slices.Contains(actionWords, name) {
		return nil
	}
	return fmt.Errorf("%s", unknownWord(name, "the actions of the matcher psa", actionWords))
}

// checkEntity refuses what can be no entity's name, so that a rule is not one that never matches.
func checkEntity(name string) error {
	parent, child, nested := strings.Cut(name, "/")
	path := "/ATServicesRest/V1.0/" + parent
	if nested {
		path += "/1/" + child
	}
	if op, err := autotask.ParseOperation(http.MethodGet, path); err == nil && !op.Free && strings.EqualFold(entityOf(op), name) {
		return nil
	}
	return fmt.Errorf("%q is no name of an entity: the PSA's are letters and digits, such as Tickets, or Tickets/Notes for those below one", shown(name))
}

// entityOf is an operation's entity by its full name.
func entityOf(op autotask.Operation) string {
	if op.Child != "" {
		return op.Entity + "/" + op.Child
	}
	return op.Entity
}

// misspelt returns which known entity a name may have been meant to be; none where it is known, or like no other.
func misspelt(name string) string {
	known := autotask.EntityNames()
	if slices.ContainsFunc(known, func(n string) bool { return strings.EqualFold(n, name) }) {
		return ""
	}
	lower := make([]string, len(known))
	for i, n := range known {
		lower[i] = strings.ToLower(n)
	}
	meant, near := nearest.Word(strings.ToLower(name), lower)
	if !near {
		return ""
	}
	return known[slices.Index(lower, meant)]
}

// MatchWithError implements caddyhttp.RequestMatcherWithError; its error is always nil.
func (m *MatchOperation) MatchWithError(r *http.Request) (bool, error) {
	op, err := autotask.ParseRequest(r.Method, r.URL.EscapedPath(), r.Header)
	if err != nil || op.API == autotask.SOAP && (op.Call == "" || len(m.Entities) > 0) {
		return false, nil //nolint:nilerr // what is no call of the PSA's matches nothing
	}
	if len(m.Actions) > 0 && !slices.Contains(m.Actions, string(op.Action)) {
		return false, nil
	}
	entity := entityOf(op)
	return len(m.Entities) == 0 || slices.ContainsFunc(m.Entities, func(name string) bool { return strings.EqualFold(name, entity) }), nil
}

// CELLibrary makes the matcher known in expressions.
func (*MatchOperation) CELLibrary(caddy.Context) (cel.Library, error) {
	return caddyhttp.CELMatcherImpl("psa", "psa_matcher_request_map", []*cel.Type{caddyhttp.CELTypeJSON},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			lists, err := caddyhttp.CELValueToMapStrList(data)
			if err != nil {
				return nil, err
			}
			return operationFrom(lists)
		})
}

// operationFrom makes a matcher of an expression's map.
func operationFrom(lists map[string][]string) (*MatchOperation, error) {
	m := &MatchOperation{Entities: lists["entity"], Actions: lists["action"]}
	for key := range lists {
		if key != "entity" && key != "action" {
			return nil, fmt.Errorf("%s", unknownWord(key, "psa({…})", []string{"action", "entity"}))
		}
	}
	return m, m.Validate()
}

// UnmarshalCaddyfile reads the matcher. Several lines and blocks in one matcher add up. Syntax:
//
//	psa <action...>
//
//	psa {
//	    entity <name...>
//	    action <name...>
//	}
func (m *MatchOperation) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		w := at(d)
		actions := d.RemainingArgs()
		if err := m.addActions(w, actions); err != nil {
			return err
		}
		before := len(m.Entities) + len(m.Actions)
		if err := w.block("the matcher psa", words{"entity": m.readEntities, "action": m.readActions}, "entity", "action"); err != nil {
			return err
		}
		added := len(m.Entities) + len(m.Actions) - before
		switch {
		case len(actions) > 0 && added > 0:
			return w.errorf("psa takes its actions on its own line, or a block: write them after the word action in the block")
		case len(actions)+added == 0:
			return w.errorf("psa takes <action...>, or a block with the words entity and action")
		}
	}
	return nil
}

func (m *MatchOperation) readActions(w *word) error {
	names, err := w.list("<name...>")
	if err != nil {
		return err
	}
	return m.addActions(w, names)
}

func (m *MatchOperation) addActions(w *word, names []string) error {
	for _, name := range names {
		if err := checkAction(name); err != nil {
			return w.errorf("%w", err)
		}
	}
	m.Actions = append(m.Actions, names...)
	return nil
}

func (m *MatchOperation) readEntities(w *word) error {
	names, err := w.list("<name...>")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := checkEntity(name); err != nil {
			return w.errorf("%w", err)
		}
	}
	m.Entities = append(m.Entities, names...)
	return nil
}

var (
	_ caddy.Provisioner                 = (*MatchOperation)(nil)
	_ caddy.Validator                   = (*MatchOperation)(nil)
	_ caddyfile.Unmarshaler             = (*MatchOperation)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchOperation)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchOperation)(nil)
)
