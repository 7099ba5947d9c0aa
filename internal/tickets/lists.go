package tickets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
)

// listsFor is how long picklists are not read again. After a refusal of a value they are.
const listsFor = 15 * time.Minute

// lists keeps the picklists of tickets and notes.
type lists struct {
	mu      sync.Mutex
	of      map[string]*picklists // by entity
	reading sync.Mutex            // held by the one that reads
}

// picklists are those of an entity.
type picklists struct {
	read  time.Time
	stale bool
	by    map[string]*picklist // by the PSA's name of the field, in lower case
}

type picklist struct {
	choices    []route.Choice
	otherwise  int64 // the default; meant where hasDefault
	hasDefault bool
	system     map[int64]bool
}

// fieldInfo is what of the PSA's entityInformation/fields is read. The values of picklists are texts.
type fieldInfo struct {
	Name           string
	IsPickList     bool
	PicklistValues []struct {
		Value, Label, ParentValue          text
		IsDefaultValue, IsActive, IsSystem bool
	}
}

// text is a JSON string, or a number as it is spelled, or empty for null.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	var s *string
	switch {
	case json.Unmarshal(b, &s) != nil:
		*t = text(b)
	case s != nil:
		*t = text(*s)
	}
	return nil
}

func (t text) number() (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(string(t)), 10, 64)
	return n, err == nil
}

// get returns the picklists of an entity. Where they cannot be read, those that were read before are returned, however old.
func (t *Tickets) list(ctx context.Context, entity string) (*picklists, error) {
	if p := t.lists.fresh(entity, t.now()); p != nil {
		return p, nil
	}
	t.lists.reading.Lock()
	defer t.lists.reading.Unlock()
	if p := t.lists.fresh(entity, t.now()); p != nil { // somebody else has read them
		return p, nil
	}
	p, err := t.readLists(ctx, entity)
	if err != nil {
		if p := t.lists.any(entity); p != nil {
			return p, nil
		}
		return nil, err
	}
	return p, nil
}

// readLists asks the PSA for the picklists of an entity.
func (t *Tickets) readLists(ctx context.Context, entity string) (*picklists, error) {
	var said struct{ Fields []fieldInfo }
	if err := t.say(ctx, http.MethodGet, "/"+entity+"/entityInformation/fields", nil, &said); err != nil {
		return nil, unmade(err)
	}
	p := &picklists{read: t.now(), by: map[string]*picklist{}}
	for _, f := range said.Fields {
		if f.IsPickList {
			p.by[strings.ToLower(f.Name)] = picklistOf(f)
		}
	}
	t.lists.put(entity, p)
	return p, nil
}

// unmade is the error of a question that came before something was to be made: whatever became of the question, that surely was not.
func unmade(err error) error {
	if errors.Is(err, drive.ErrRefused) || errors.Is(err, drive.ErrNotNow) {
		return err
	}
	return fmt.Errorf("%w: %w", drive.ErrNotNow, err)
}

func picklistOf(f fieldInfo) *picklist {
	p := &picklist{system: map[int64]bool{}}
	for _, v := range f.PicklistValues {
		id, ok := v.Value.number()
		if !ok {
			continue
		}
		parent, _ := v.ParentValue.number()
		p.choices = append(p.choices, route.Choice{ID: id, Label: string(v.Label), Parent: parent, Inactive: !v.IsActive})
		if v.IsDefaultValue && v.IsActive {
			p.otherwise, p.hasDefault = id, true
		}
		p.system[id] = v.IsSystem
	}
	return p
}

func (l *lists) fresh(entity string, now time.Time) *picklists {
	p := l.any(entity)
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == nil || p.stale || now.Sub(p.read) >= listsFor || now.Before(p.read) {
		return nil
	}
	return p
}

func (l *lists) any(entity string) *picklists {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[entity]
}

func (l *lists) put(entity string, p *picklists) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]*picklists{}
	}
	l.of[entity] = p
}

// doubt has an entity's picklists read again before they are used next.
func (l *lists) doubt(entity string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.of[entity]; p != nil {
		p.stale = true
	}
}

// names are those of route.Fields with a picklist, and what the PSA calls them.
var names = []struct{ ours, psa string }{
	{"queue", "queueID"},
	{"source", "source"},
	{"priority", "priority"},
	{"status", "status"},
	{"issue_type", "issueType"},
	{"sub_issue_type", "subIssueType"},
	{"ticket_type", "ticketType"},
	{"category", "ticketCategory"},
}

// AskPicklists are those of tickets, by the names of route.Fields, as the PSA has them at this moment. The error says why it cannot be
// asked; ErrDenied where it may not be.
func (t *Tickets) AskPicklists(ctx context.Context) (route.Picklists, error) {
	t.lists.reading.Lock()
	defer t.lists.reading.Unlock()
	p, err := t.readLists(ctx, "Tickets")
	if err != nil {
		return nil, err
	}
	return p.named(), nil
}

func (p *picklists) named() route.Picklists {
	out := route.Picklists{}
	for _, n := range names {
		if of := p.by[strings.ToLower(n.psa)]; of != nil {
			out[n.ours] = of.choices
		}
	}
	return out
}

// resolve finds what the fields of a ticket mean. Where policy or the PSA does not let picklists be read, ids serve as they are. A queue
// that the config names by its label is waited for where policy or a switch stands in the way: a ticket that went elsewhere would stay there.
// In the place of a queue that the PSA does not have there is that of the mailbox's default.
func (t *Tickets) resolve(ctx context.Context, of drive.Ticket) (ids route.IDs, p *picklists, err error) {
	f := of.Fields
	p, err = t.list(ctx, "Tickets")
	switch _, isID := text(f.Queue).number(); {
	case errors.Is(err, errHere) && f.Queue != "" && !isID:
		return nil, nil, err
	case errors.Is(err, drive.ErrRefused), errors.Is(err, ErrDenied):
		p = &picklists{}
	case err != nil:
		return nil, nil, err
	}
	lists := p.named()
	if len(lists) == 0 {
		lists = numbersOf(f)
	}
	ids, troubles := lists.Resolve(f)
	if _, there := ids["queue"]; !there && of.Otherwise.Queue != f.Queue {
		otherwise := route.Fields{Queue: of.Otherwise.Queue}
		if len(p.by) == 0 {
			lists = numbersOf(otherwise)
		}
		instead, also := lists.Resolve(otherwise)
		maps.Copy(ids, instead)
		troubles = append(troubles, also...)
	}
	for _, text := range troubles {
		t.troubles.add(t.now(), t.log, "a field of new tickets is left out: "+text)
	}
	return ids, p, nil
}

// numbersOf are picklists that hold what the fields name by number.
func numbersOf(f route.Fields) route.Picklists {
	out := route.Picklists{}
	for name, value := range map[string]string{
		"queue": f.Queue, "source": f.Source, "priority": f.Priority, "status": f.Status, "issue_type": f.IssueType,
		"sub_issue_type": f.SubIssueType, "ticket_type": f.TicketType, "category": f.Category,
	} {
		if id, ok := text(value).number(); ok {
			out[name] = []route.Choice{{ID: id}}
		}
	}
	return out
}

// pick chooses of a picklist what is required and nobody has named: the PSA's own default, else the first with one of the labels,
// else the first that people made, else the first.
func (p *picklists) pick(field string, labels ...string) (id int64, ok bool) {
	of := p.by[strings.ToLower(field)]
	if of == nil {
		return 0, false
	}
	if of.hasDefault {
		return of.otherwise, true
	}
	for _, fits := range []func(route.Choice) bool{
		func(c route.Choice) bool { return labelled(c.Label, labels) },
		func(c route.Choice) bool { return !of.system[c.ID] },
		func(route.Choice) bool { return true },
	} {
		for _, c := range of.choices {
			if !c.Inactive && fits(c) {
				return c.ID, true
			}
		}
	}
	return 0, false
}

func labelled(label string, labels []string) bool {
	for _, l := range labels {
		if strings.Contains(strings.ToLower(label), l) {
			return true
		}
	}
	return false
}
