package policy

import (
	_ "embed"
	"maps"
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

//go:embed schema.cedarschema
var schemaText string

// Schema returns the Cedar schema that policies are checked against, for editors and other tools.
func Schema() string { return schemaText }

// vocabulary is the schema in the forms that checking needs.
type vocabulary struct {
	calls, deeds *validate.Validator
	types        []string // of entities and actions
	actions      []string
	context      []string // attributes of the context
	others       []string // attributes of principals and resources
}

// words returns the vocabulary. The text is ours, so an error in it is a mistake of this package that every test meets.
var words = sync.OnceValue(func() *vocabulary {
	var s schema.Schema
	s.SetFilename("schema.cedarschema")
	if err := s.UnmarshalCedar([]byte(schemaText)); err != nil {
		panic(err)
	}
	r, err := s.Resolve()
	if err != nil {
		panic(err)
	}
	return newVocabulary(r)
})

func newVocabulary(r *resolved.Schema) *vocabulary {
	v := &vocabulary{calls: validatorOf(r, callActions), deeds: validatorOf(r, deedActions), types: []string{string(typeAction)}}
	for name, e := range r.Entities {
		v.types = append(v.types, string(name))
		v.others = append(v.others, keys(e.Shape)...)
	}
	for uid, a := range r.Actions {
		v.actions = append(v.actions, string(uid.ID))
		v.context = append(v.context, keys(a.AppliesTo.Context)...)
	}
	for _, list := range []*[]string{&v.types, &v.actions, &v.context, &v.others} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return v
}

// validatorOf returns a validator by which nobody does any but some actions.
func validatorOf(r *resolved.Schema, some actionSet) *validate.Validator {
	part := *r
	part.Actions = maps.Clone(r.Actions)
	for uid, a := range part.Actions {
		if some&bitOf(Action(uid.ID)) == 0 {
			a.AppliesTo = nil
			part.Actions[uid] = a
		}
	}
	return validate.New(&part)
}

func keys(r resolved.RecordType) []string {
	var names []string
	for k := range r {
		names = append(names, string(k))
	}
	return names
}

// The types of the schema.
const (
	typeIntegrationGroup types.EntityType = "IntegrationGroup"
	typePersonGroup      types.EntityType = "PersonGroup"
	typeEntity           types.EntityType = "Entity"
	typeAction           types.EntityType = "Action"
)

// What context.method and context.api may be.
var (
	methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	apis    = []string{"rest", "soap"}
)

// misspelt is how many letters a name of an entity may differ from a known one and be taken for a slip of it.
const misspelt = 2
