package policy

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go/types"
)

// The deeds: what a person does on psagate itself. They are actions as those of calls are, and only people do them.
const (
	// Disable and Enable switch an integration off and on.
	Disable Action = "disable"
	Enable  Action = "enable"
	// Check signs in with a login's credential, Release forgives what was recorded of a login, NewSecret writes it a new
	// credential, and ShowCode shows a one-time code of it.
	Check     Action = "check"
	Release   Action = "release"
	NewSecret Action = "new_secret"
	ShowCode  Action = "show_code"
	// EndSession ends a person's session, and ResetFactor takes a person's second factor away.
	EndSession  Action = "end_session"
	ResetFactor Action = "reset_factor"
	// ReadMail shows a mail as it came, RetryMail has one tried again that was set aside, and DropMail has nothing become of one.
	ReadMail  Action = "read_mail"
	RetryMail Action = "retry_mail"
	DropMail  Action = "drop_mail"
)

var deeds = []Action{Disable, Enable, Check, Release, NewSecret, ShowCode, EndSession, ResetFactor, ReadMail, RetryMail, DropMail}

// doneOn is what deeds are done on.
var doneOn = map[Action]Kind{
	Disable: Integration, Enable: Integration, Check: Login, Release: Login, NewSecret: Login, ShowCode: Login,
	EndSession: Person, ResetFactor: Person,
	ReadMail: Mailbox, RetryMail: Mailbox, DropMail: Mailbox,
}

// How old the second factor may be that a deed wants: where its permits have no @stepup, and at the most that one may say.
const (
	DeedMaxAge     = 15 * time.Minute
	mostDeedMaxAge = 12 * time.Hour
)

// Deeds are the actions that people do on psagate itself.
func Deeds() []Action { return slices.Clone(deeds) }

// DoneOn returns what an action is done on: Integration, Login, Person or Mailbox; empty for the action of a call.
func (a Action) DoneOn() Kind { return doneOn[a] }

// Target is what of psagate a deed is done on. The zero value is none.
type Target struct {
	// Kind is Integration, Login, Person or Mailbox.
	Kind Kind
	// Name is the integration's, login's or mailbox's name in the config, or the issuer's name for the person: its subject.
	Name string
	// Issuer is the config's name of a person's issuer; empty for others. It has no slash.
	Issuer string
	// Groups are an integration's, of the config. Those of a person are not known, and none count.
	Groups []string
}

// uid returns what it is as Cedar names it.
func (t Target) uid() types.EntityUID {
	return principalUID(Principal{Kind: t.Kind, Name: t.Name, Issuer: t.Issuer})
}

// entity returns it with its attributes, and the groups that it is in.
func (t Target) entity() (e types.Entity, groups []types.EntityUID) {
	attributes := types.RecordMap{"name": types.String(t.Name)}
	if t.Kind == Person {
		attributes["issuer"] = types.String(t.Issuer)
	}
	if t.Kind == Integration {
		for _, g := range t.Groups {
			groups = append(groups, types.NewEntityUID(typeIntegrationGroup, types.String(g)))
		}
	}
	return types.Entity{UID: t.uid(), Parents: types.NewEntityUIDSet(groups...), Attributes: types.NewRecord(attributes)}, groups
}

// isDeed says whether a request is for a deed.
func (r *Request) isDeed() bool { return r.On.Kind != "" }

// deed returns a request with nothing but what deeds have.
func (r *Request) deed() Request {
	return Request{Principal: r.Principal, Action: r.Action, On: r.On, Time: r.Time, SourceIP: r.SourceIP, LastFactor: r.LastFactor}
}

// understoodDeed says whether a policy could speak of a deed.
func understoodDeed(r *Request) bool {
	on := r.On
	return r.Principal.Kind == Person && r.Entity == "" && r.Action.DoneOn() == on.Kind && on.Name != "" && utf8.ValidString(on.Name) &&
		(on.Kind == Person) == (on.Issuer != "") && !strings.Contains(on.Issuer, "/")
}

// isDeed says whether it is of a deed.
func (c *call) isDeed() bool { return c.bit&deedActions != 0 }

// maxAge is how old a second factor may be that a permit wants of a call; 0: it wants none.
func (c *call) maxAge(permit *rule) time.Duration {
	if c.isDeed() && permit.stepUp == 0 {
		return DeedMaxAge
	}
	return permit.stepUp
}

// deedTypes are the types that a deed's resource has, or is in.
var deedTypes = []types.EntityType{types.EntityType(Integration), types.EntityType(Login), types.EntityType(Person), types.EntityType(Mailbox), typeIntegrationGroup, typePersonGroup}

// types are those that a scope names.
func (s scope) types() []types.EntityType {
	return slices.DeleteFunc([]types.EntityType{s.typ, s.eq.Type, s.in.Type}, func(t types.EntityType) bool { return t == "" })
}

// ofDeeds says whether a resource is what deeds are done on, and nothing else is.
func (s scope) ofDeeds() bool {
	named := s.types()
	return len(named) > 0 && slices.ContainsFunc(named, func(t types.EntityType) bool { return slices.Contains(deedTypes, t) })
}

// meant are the actions that a policy takes whose head names none. A permit for whatever calls do is none for what people do on
// psagate itself: those are to be named, or what they are done on. A forbid forbids them too.
func (r *rule) meant() actionSet {
	switch {
	case r.resource.ofDeeds():
		return deedActions
	case r.permit || len(r.resource.types()) > 0:
		return callActions
	}
	return everyAction
}
