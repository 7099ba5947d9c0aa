package autotask

import (
	"net/http"

	"github.com/psagate/psagate/internal/soap"
)

// API is one of the PSA's two interfaces.
type API uint8

// The interfaces. REST is the zero value.
const (
	REST API = iota
	SOAP
)

// String returns the word that logs use.
func (a API) String() string {
	if a == SOAP {
		return "soap"
	}
	return "rest"
}

// Action is what an operation does to its entity.
type Action string

// The actions. A SOAP call's is in its header SOAPAction: ParseRequest tells it, ParseOperation does not.
const (
	Read   Action = "read"
	Query  Action = "query"
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Form is the shape of an operation's path.
type Form uint8

// The forms, each with its canonical path.
const (
	// FormEntity is /ATServicesRest/V1.0/{Entity}, also that of the services (Entity is then the service's name).
	FormEntity Form = iota
	// FormItem is /ATServicesRest/V1.0/{Entity}/{ID}.
	FormItem
	// FormQuery is /ATServicesRest/V1.0/{Entity}/query.
	FormQuery
	// FormCount is /ATServicesRest/V1.0/{Entity}/query/count.
	FormCount
	// FormNext is /ATServicesRest/V1.0/{Entity}/query/next, where next-page URLs lead.
	FormNext
	// FormInfo is /ATServicesRest/V1.0/{Entity}/entityInformation.
	FormInfo
	// FormInfoFields is /ATServicesRest/V1.0/{Entity}/entityInformation/fields.
	FormInfoFields
	// FormInfoUDF is /ATServicesRest/V1.0/{Entity}/entityInformation/userDefinedFields.
	FormInfoUDF
	// FormChild is /ATServicesRest/V1.0/{Entity}/{ID}/{Child}.
	FormChild
	// FormChildItem is /ATServicesRest/V1.0/{Entity}/{ID}/{Child}/{ChildID}.
	FormChildItem
	// FormVersion is /ATServicesRest/VersionInformation; free.
	FormVersion
	// FormZone is /ATServicesRest/V1.0/zoneInformation; free.
	FormZone
	// FormSwagger is /ATServicesRest/swagger/{Rest}; free.
	FormSwagger
	// FormASMX is /ATServices/{Rest}/atws.asmx; a GET of it is free.
	FormASMX
	// FormWSDL is /ATServices/{Rest}/atws.wsdl; free.
	FormWSDL
)

// Operation is one call as the PSA understands it: everything of the request line but the query string. Two
// operations are the same exactly when they are ==.
type Operation struct {
	// API says which interface is called.
	API API
	// Method is the HTTP method: GET, POST, PUT, PATCH or DELETE.
	Method string
	// Form is the shape of the path; it says which of the fields below are set.
	Form Form
	// Free is true where the PSA answers without sign-in: no credential and no unit goes with it.
	Free bool
	// Action is what is done to Entity, or to Child where that is set. Of SOAP it is known where Call is.
	Action Action
	// Entity is the first-level name, in the PSA's spelling where it is known; for a service the service's name.
	Entity string
	// ID is the record's number, decimal, without leading zeros; empty where the form has none.
	ID string
	// Child is the second-level name (Notes, Attachments), in the PSA's spelling where it is known.
	Child string
	// ChildID is the child's number.
	ChildID string
	// Rest is the path below swagger/ (FormSwagger), or the SOAP version, 1.5 or 1.6 (FormASMX, FormWSDL).
	Rest string
	// Call is the SOAP operation that is called; empty for REST and for a SOAP path alone. What it is about is in the body.
	Call soap.Operation
}

// ThresholdCheck is the operation that the gateway's own sign-ins use: it reads the request counters, changes nothing
// and is the same for every user.
var ThresholdCheck = Operation{Method: http.MethodGet, Form: FormEntity, Action: Read, Entity: "ThresholdInformation"}

// zoneLookup is the free lookup of a login's zone.
var zoneLookup = Operation{Method: http.MethodGet, Form: FormZone, Free: true, Action: Read}

const (
	restRoot = "/ATServicesRest"
	soapRoot = "/ATServices"
	version1 = "V1.0"
)

// Path returns the canonical path, which alone is sent to the PSA. It consists of letters, digits, "/", ".", "_" and
// "-", so escaped and unescaped are the same.
func (o Operation) Path() string {
	switch o.Form {
	case FormVersion:
		return restRoot + "/VersionInformation"
	case FormSwagger:
		return restRoot + "/swagger/" + o.Rest
	case FormASMX:
		return soapRoot + "/" + o.Rest + "/atws.asmx"
	case FormWSDL:
		return soapRoot + "/" + o.Rest + "/atws.wsdl"
	case FormZone:
		return restRoot + "/" + version1 + "/zoneInformation"
	}
	return restRoot + "/" + version1 + "/" + o.Entity + o.tail()
}

func (o Operation) tail() string {
	switch o.Form {
	case FormItem:
		return "/" + o.ID
	case FormChild:
		return "/" + o.ID + "/" + o.Child
	case FormChildItem:
		return "/" + o.ID + "/" + o.Child + "/" + o.ChildID
	}
	for _, f := range fixedTails {
		if f.form == o.Form {
			return "/" + f.tail
		}
	}
	return ""
}

// SignsIn says whether a 2xx to this operation proves a successful sign-in. It is true only for names and forms that
// are known to need one: of any other the gateway cannot tell whether the PSA looked at the credential at all.
func (o Operation) SignsIn() bool {
	if o.API != REST || o.Free {
		return false
	}
	if services[o.Entity] == o.Entity {
		return o.Form == FormEntity && o.Method == http.MethodGet
	}
	if roots[o.Entity] != o.Entity || !meaningOf(o.Form, o.Method).known {
		return false
	}
	return o.Child == "" || children[o.Entity][lower(o.Child)] == o.Child
}

// String returns "read Tickets", "create Tickets/Notes", "soap query" or the path of what has no action, for logs.
func (o Operation) String() string {
	switch {
	case o.Call != "":
		return "soap " + string(o.Call)
	case o.Action == "" || o.Entity == "":
		return o.Method + " " + o.Path()
	case o.Child != "":
		return string(o.Action) + " " + o.Entity + "/" + o.Child
	}
	return string(o.Action) + " " + o.Entity
}
