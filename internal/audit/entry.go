package audit

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is one call or one security event. What is not known is empty, and not in the line. It holds no personal data beyond
// ids and addresses: of a person the issuer's subject, never a name; of a record its number; of fields their names.
//
// Texts are bounded, and cut where they are longer: see MaxText. An Entry that was handed to a Writer must not be changed.
type Entry struct {
	// Chain and Seq are the line's place, Time is when the Writer got it, by the wall clock, and Up is how old the chain was
	// then, by a clock that nobody sets. Process is the one that wrote it. The Writer sets them.
	Chain   string        `json:"chain"`
	Seq     uint64        `json:"seq"`
	Time    time.Time     `json:"time"`
	Up      time.Duration `json:"-"`
	Process string        `json:"process"`
	// Kind says whether it is a call or an event.
	Kind Kind `json:"kind"`
	// Phase says which part of a call the line is of; empty: of the whole call. Of is, in an outcome, the Seq of its intent.
	Phase Phase  `json:"phase,omitempty"`
	Of    uint64 `json:"of,omitempty"`
	// Again says that an earlier line of the same may be there too: it was not known whether that one was written.
	Again bool `json:"again,omitempty"`

	// Event is what happened, in a word, and Data what is known of it by names of a closed set. Of events alone.
	Event string            `json:"event,omitempty"`
	Data  map[string]string `json:"data,omitempty"`

	// CallerKind and Caller are who it was. Both are empty for a stranger.
	CallerKind CallerKind `json:"caller_kind,omitempty"`
	Caller     string     `json:"caller,omitempty"`
	// Issuer is the name, in the config, of the issuer that the person is of, or that the token says it is of that was shown.
	Issuer string `json:"issuer,omitempty"`
	// Groups are a person's, as the issuer names them.
	Groups []string `json:"groups,omitempty"`
	// Key is the id of the key that was shown, Address where the caller came from.
	Key     string `json:"key,omitempty"`
	Address string `json:"address,omitempty"`
	// Login is the login's name, CredentialVersion the store's label of the credential that was sent, Zone the base URL.
	Login             string `json:"login,omitempty"`
	CredentialVersion string `json:"credential_version,omitempty"`
	Zone              string `json:"zone,omitempty"`
	// Method is the HTTP method, API is "soap" for a SOAP call. Entity, Action and ID are the operation; Child and ChildID are below them.
	Method  string `json:"method,omitempty"`
	API     string `json:"api,omitempty"`
	Action  string `json:"action,omitempty"`
	Entity  string `json:"entity,omitempty"`
	ID      string `json:"id,omitempty"`
	Child   string `json:"child,omitempty"`
	ChildID string `json:"child_id,omitempty"`
	// Records are all that a call writes which has several, each as its entity or, where it is there already, "Tickets/4711".
	Records []string `json:"records,omitempty"`
	// Impersonates is the resource id that the caller asks to speak for.
	Impersonates string `json:"impersonates,omitempty"`
	// Fields are the names of the fields that are written, Filters those that a query compares, Returns those that it asks for.
	Fields  []string `json:"fields,omitempty"`
	Filters []string `json:"filters,omitempty"`
	Returns []string `json:"returns,omitempty"`
	// FieldsUnknown: those names cannot be told from the call, which may be about any.
	FieldsUnknown bool `json:"fields_unknown,omitempty"`

	// Decision is what policy said, Reasons why; of a call whose caller is not let in, identity's word for that. Observed: it was said and not done.
	Decision Decision `json:"decision,omitempty"`
	Observed bool     `json:"observed,omitempty"`
	Reasons  []string `json:"reasons,omitempty"`
	// DecidedBy is the part that the answer is from.
	DecidedBy Part `json:"decided_by,omitempty"`
	// Reason is the header Psagate-Reason of an answer of psagate's own.
	Reason string `json:"reason,omitempty"`
	// Status is the HTTP status that the caller got; 0 for none. Duration is how long the call took.
	Status   int           `json:"status,omitempty"`
	Duration time.Duration `json:"-"`
}

// Kind is what an entry is of.
type Kind string

// The kinds. Lines of the third kind are the Writer's own, about the chain; they are no entries.
const (
	Call  Kind = "call"
	Event Kind = "event"

	kindChain Kind = "chain"
)

// Phase is a part of a call.
type Phase string

// The phases. A line without one is of a whole call.
const (
	// Intent is written before the call is made.
	Intent Phase = "intent"
	// Outcome is written after it.
	Outcome Phase = "outcome"
)

// CallerKind is what a caller is.
type CallerKind string

// The kinds of callers.
const (
	Integration CallerKind = "integration"
	Person      CallerKind = "person"
	Mailbox     CallerKind = "mailbox"
	// Operator is whoever uses the admin endpoint, Own is psagate itself.
	Operator CallerKind = "operator"
	Own      CallerKind = "psagate"
)

// Decision is what policy said.
type Decision string

// The decisions.
const (
	Permit Decision = "permit"
	Deny   Decision = "deny"
)

// Part is who decided what the caller hears.
type Part string

// The parts.
const (
	ByIdentity Part = "identity"
	ByPolicy   Part = "policy"
	ByGuard    Part = "guard"
	ByQuota    Part = "quota"
	ByPSA      Part = "psa"
	// ByGateway is what none of the others decided: a path that is none, a body that is too large.
	ByGateway Part = "gateway"
)

// The bounds of what an entry holds.
const (
	// MaxText is how many bytes a text may have.
	MaxText = 256
	// MaxNames is how many names a list may have, MaxReasons how many reasons or data there may be.
	MaxNames   = 64
	MaxReasons = 16
	// MaxRecords is how many records a call is told to be about: as many as the PSA takes in one.
	MaxRecords = 200
	// MaxName is how many bytes a name in a list of fields, of records or of data may have.
	MaxName = 64
)

// cutMark stands at the end of what was cut.
const cutMark = "…"

// bound cuts what is too long, and sees that the kind is one. It changes no list of the caller's. It returns about how many bytes
// the entry has.
func (e *Entry) bound() (size int) {
	if e.Kind != Call && e.Kind != Event {
		e.Kind = Call
		if e.Event != "" {
			e.Kind = Event
		}
	}
	for _, text := range [...]*string{
		&e.Event, &e.Caller, &e.Issuer, &e.Key, &e.Address, &e.Login, &e.CredentialVersion, &e.Zone, &e.Method, &e.API, &e.Action, &e.Entity,
		&e.ID, &e.Child, &e.ChildID, &e.Impersonates, &e.Reason, (*string)(&e.Phase),
		(*string)(&e.CallerKind), (*string)(&e.Decision), (*string)(&e.DecidedBy),
	} {
		if len(*text) > MaxText {
			*text = cut(*text, MaxText)
		}
		size += len(*text)
	}
	for _, list := range [...]*[]string{&e.Fields, &e.Filters, &e.Returns, &e.Groups} {
		*list = boundList(*list, MaxNames, MaxName)
		size += sizeOf(*list)
	}
	e.Records = boundList(e.Records, MaxRecords, MaxName)
	size += sizeOf(e.Records)
	e.Reasons = boundList(e.Reasons, MaxReasons, MaxText)
	e.Data = boundData(e.Data)
	for name, value := range e.Data {
		size += len(name) + len(value)
	}
	return size + sizeOf(e.Reasons)
}

func sizeOf(list []string) (size int) {
	for _, text := range list {
		size += len(text)
	}
	return size
}

// cut shortens a text to so many bytes, the mark included.
func cut(text string, to int) string {
	end := to - len(cutMark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + cutMark
}

// boundList returns the list, or one of at most so many texts of at most so many bytes.
func boundList(list []string, most, size int) []string {
	tooLong := func(text string) bool { return len(text) > size }
	if len(list) <= most && !slices.ContainsFunc(list, tooLong) {
		return list
	}
	out := make([]string, 0, min(len(list), most))
	for _, text := range list {
		if len(out) == most-1 && len(list) > most {
			return append(out, cutMark)
		}
		if tooLong(text) {
			text = cut(text, size)
		}
		out = append(out, text)
	}
	return out
}

func boundData(data map[string]string) map[string]string {
	if len(data) == 0 {
		return data
	}
	out := make(map[string]string, min(len(data), MaxReasons))
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if len(out) == MaxReasons {
			break
		}
		value := data[name]
		if len(value) > MaxText {
			value = cut(value, MaxText)
		}
		if len(name) > MaxName {
			name = cut(name, MaxName)
		}
		out[name] = value
	}
	return out
}
