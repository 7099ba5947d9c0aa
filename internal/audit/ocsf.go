package audit

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// OCSFVersion is the version of the Open Cybersecurity Schema Framework that OCSF maps to.
const OCSFVersion = "1.3.0"

// object is one of OCSF's.
type object = map[string]any

// The classes that entries map to, and the ids that more than one of them uses.
const (
	classBase           = 0
	classAccountChange  = 3001
	classAuthentication = 3002
	classEntity         = 3004
	classAPI            = 6003

	activityOther = 99

	statusUnknown = 0
	statusSuccess = 1
	statusFailure = 2
	statusOther   = 99

	severityInfo   = 1
	severityLow    = 2
	severityMedium = 3
	severityHigh   = 4
)

// OCSF returns the entry as an OCSF object: a call as API Activity, an event as what the table of docs/audit.md says. What OCSF
// has no attribute for is in unmapped, under the names of our lines.
func OCSF(e Entry) map[string]any {
	if e.Kind == Event {
		return ocsfEvent(e)
	}
	return ocsfCall(e)
}

// header is what all classes have.
func header(e Entry, class, activity, severity int) object {
	return object{
		"class_uid": class, "category_uid": class / 1000, "activity_id": activity, "type_uid": class*100 + activity,
		"severity_id": severity, "time": e.Time.UnixMilli(),
		"metadata": without(object{
			"version": OCSFVersion, "product": object{"name": "psagate", "vendor_name": "psagate"}, "log_name": "audit",
			"uid": uid(e.Chain, e.Seq), "sequence": e.Seq, "original_time": e.Time.UTC().Format(time.RFC3339Nano),
			"correlation_uid": correlation(e),
		}),
		"unmapped": unmapped(e),
	}
}

func uid(chain string, seq uint64) string { return chain + "/" + strconv.FormatUint(seq, 10) }

// correlation is the same for a call's two lines.
func correlation(e Entry) string {
	switch e.Phase {
	case Intent:
		return uid(e.Chain, e.Seq)
	case Outcome:
		return uid(e.Chain, e.Of)
	}
	return ""
}

func unmapped(e Entry) object {
	return without(object{
		"process": e.Process, "phase": string(e.Phase), "again": e.Again, "login": e.Login, "api": e.API, "records": e.Records,
		"credential_version": e.CredentialVersion, "impersonates": e.Impersonates, "fields": e.Fields, "filters": e.Filters,
		"returns": e.Returns, "fields_unknown": e.FieldsUnknown, "observed": e.Observed, "decided_by": string(e.DecidedBy), "reason": e.Reason, "data": e.Data,
		"up_us": micros(e.Up),
	})
}

var apiActivities = map[string]int{"create": 1, "read": 2, "query": 2, "update": 3, "delete": 4}

func ocsfCall(e Entry) object {
	activity := cmp.Or(apiActivities[e.Action], activityOther)
	o := header(e, classAPI, activity, severityInfo)
	denied := isDenied(e)
	if denied {
		o["severity_id"] = severityLow
	}
	o["activity_name"] = cmp.Or(e.Action, strings.ToLower(e.Method), "unknown")
	o["metadata"].(object)["profiles"] = []string{"security_control"}
	o["actor"] = actor(e)
	o["api"] = object{"operation": strings.TrimSpace(cmp.Or(e.Action, e.Method, "unknown") + " " + entityPath(e)), "service": object{"name": "Autotask"}}
	o["src_endpoint"] = source(e)
	o["action_id"], o["disposition_id"] = control(e, denied)
	o["status_id"] = callStatus(e)
	return with(o, object{
		"dst_endpoint": destination(e), "resources": resources(e),
		"http_request":  without(object{"http_method": e.Method}),
		"http_response": without(object{"code": e.Status}),
		"status_code":   number(e.Status), "status_detail": strings.Join(e.Reasons, "; "), "duration": e.Duration.Milliseconds(),
	})
}

// isDenied reports whether the call was not made.
func isDenied(e Entry) bool {
	ours := e.DecidedBy != "" && e.DecidedBy != ByPSA
	return e.Decision == Deny && !e.Observed || ours && (e.Reason != "" || e.Status >= 400)
}

// control is what psagate did: action 1 is allowed, 2 denied; disposition 1 is allowed, 2 blocked, 17 logged.
func control(e Entry, denied bool) (action, disposition int) {
	switch {
	case denied:
		return 2, 2
	case e.Observed:
		return 1, 17
	}
	return 1, 1
}

func callStatus(e Entry) int {
	switch {
	case e.Phase == Intent:
		return statusUnknown
	case e.Status == 0:
		return statusOther
	case e.Status >= 400:
		return statusFailure
	}
	return statusSuccess
}

func entityPath(e Entry) string {
	if e.Child == "" {
		return e.Entity
	}
	return e.Entity + "/" + e.Child
}

func resources(e Entry) []object {
	if e.Entity == "" {
		return nil
	}
	list := []object{without(object{"type": e.Entity, "uid": e.ID, "name": e.Entity})}
	if e.Child != "" {
		list = append(list, without(object{"type": e.Child, "uid": e.ChildID, "name": e.Child}))
	}
	return list
}

// source is where it came from: psagate itself, where no address is known.
func source(e Entry) object {
	if e.Address != "" {
		return object{"ip": e.Address}
	}
	return object{"name": cmp.Or(e.Process, "psagate")}
}

// destination is where the call went: the zone's host, or nothing that is known.
func destination(e Entry) object {
	host := e.Zone
	if _, after, ok := strings.Cut(host, "://"); ok {
		host = after
	}
	host, _, _ = strings.Cut(host, "/")
	return without(object{"hostname": host})
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// without leaves out what says nothing: empty texts, lists and objects, false and 0.
func without(o object) object {
	for name, value := range o {
		if isEmpty(value) {
			delete(o, name)
		}
	}
	return o
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case []object:
		return len(v) == 0
	case object:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	case bool:
		return !v
	case int:
		return v == 0
	case int64:
		return v == 0
	case uint64:
		return v == 0
	}
	return false
}

// with adds what says something.
func with(o, more object) object {
	for name, value := range without(more) {
		o[name] = value
	}
	return o
}
