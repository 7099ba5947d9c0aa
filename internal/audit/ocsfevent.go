package audit

import "cmp"

// mapping is what an event is in OCSF.
type mapping struct {
	class, activity, status, severity int
	// entity is the type of what is managed, of class Entity Management; named is the entry's word for which one.
	entity string
	named  func(Entry) string
	// detail is OCSF's word for why it failed.
	detail string
}

func login(e Entry) string       { return e.Login }
func integration(e Entry) string { return e.Data["integration"] }
func digest(e Entry) string      { return e.Data["digest"] }
func policyFile(e Entry) string  { return e.Data["policy"] }
func deed(e Entry) string        { return e.Data["deed"] }
func mail(e Entry) string        { return e.Data["mailbox"] + "/" + e.Data["mail"] }

// mappings are the events that have a class of their own. Every other word is a Base Event. docs/audit.md has this table.
var mappings = map[string]mapping{
	"caller_refused":       {classAuthentication, 1, statusFailure, severityLow, "", nil, "INVALID_CREDENTIALS"},
	"too_many_failures":    {classAuthentication, 1, statusFailure, severityMedium, "", nil, "INVALID_CREDENTIALS"},
	"signed_in":            {classAuthentication, 1, statusSuccess, severityInfo, "", nil, ""},
	"sign_in_refused":      {classAuthentication, 1, statusFailure, severityLow, "", nil, "INVALID_CREDENTIALS"},
	"web_sign_in_failed":   {classAuthentication, 1, statusFailure, severityMedium, "", login, "INVALID_CREDENTIALS"},
	"signed_out":           {classAuthentication, 2, statusSuccess, severityInfo, "", nil, ""},
	"session_ended":        {classAuthentication, 2, statusSuccess, severityInfo, "", nil, ""},
	"logout_refused":       {classAuthentication, 2, statusFailure, severityLow, "", nil, "INVALID_CREDENTIALS"},
	"stepped_up":           {classAuthentication, 1, statusSuccess, severityInfo, "", nil, ""},
	"step_up_refused":      {classAuthentication, 1, statusFailure, severityLow, "", nil, "INVALID_CREDENTIALS"},
	"app_enrolled":         {classAccountChange, 10, statusSuccess, severityInfo, "", nil, ""},
	"recovery_codes_made":  {classAccountChange, activityOther, statusSuccess, severityInfo, "", nil, ""},
	"totp_invited":         {classAccountChange, activityOther, statusSuccess, severityInfo, "", nil, ""},
	"totp_reset":           {classAccountChange, 11, statusSuccess, severityMedium, "", nil, ""},
	"deed_permitted":       {classEntity, activityOther, statusSuccess, severityInfo, "deed", deed, ""},
	"deed_refused":         {classEntity, activityOther, statusFailure, severityLow, "deed", deed, ""},
	"credential_accepted":  {classAuthentication, 1, statusSuccess, severityInfo, "", login, ""},
	"credential_refused":   {classAuthentication, 1, statusFailure, severityMedium, "", login, "INVALID_CREDENTIALS"},
	"login_locked":         {classAuthentication, 1, statusFailure, severityHigh, "", login, "ACCOUNT_LOCKED_OUT"},
	"lockout_notice":       {classAuthentication, 1, statusFailure, severityMedium, "", login, "ACCOUNT_LOCKED_OUT"},
	"login_released":       {classEntity, 13, statusSuccess, severityInfo, "login", login, ""},
	"integration_disabled": {classEntity, 9, statusSuccess, severityMedium, "integration", integration, ""},
	"integration_enabled":  {classEntity, 8, statusSuccess, severityInfo, "integration", integration, ""},
	"policy_changed":       {classEntity, 3, statusSuccess, severityInfo, "policy", policyFile, ""},
	"policy_refused":       {classEntity, 3, statusFailure, severityMedium, "policy", policyFile, ""},
	"secret_written":       {classEntity, 3, statusSuccess, severityInfo, "secret", login, ""},
	"secret_not_written":   {classEntity, 3, statusFailure, severityLow, "secret", login, ""},
	"config_loaded":        {classEntity, 3, statusSuccess, severityInfo, "config", digest, ""},
	"code_shown":           {classEntity, 2, statusSuccess, severityInfo, "code", login, ""},
	"mail_read":            {classEntity, 2, statusSuccess, severityInfo, "mail", mail, ""},
	"mail_retried":         {classEntity, 3, statusSuccess, severityInfo, "mail", mail, ""},
	"mail_dropped":         {classEntity, 3, statusSuccess, severityInfo, "mail", mail, ""},
	"mail_missing":         {classBase, activityOther, statusFailure, severityHigh, "", nil, ""},
	"mail_set_aside":       {classBase, activityOther, statusFailure, severityLow, "", nil, ""},
	"mail_fallback":        {classBase, activityOther, statusFailure, severityMedium, "", nil, ""},
	"mailbox_failing":      {classBase, activityOther, statusFailure, severityMedium, "", nil, ""},
	"mailbox_working":      {classBase, activityOther, statusSuccess, severityInfo, "", nil, ""},
	"budget_spent":         {classBase, activityOther, statusFailure, severityHigh, "", nil, ""},
	"gate_shut":            {classBase, activityOther, statusFailure, severityMedium, "", nil, ""},
	"store_unavailable":    {classBase, activityOther, statusFailure, severityHigh, "", nil, ""},
	"secret_unavailable":   {classBase, activityOther, statusFailure, severityHigh, "", nil, ""},
	"secret_unusable":      {classBase, activityOther, statusFailure, severityMedium, "", nil, ""},
}

// unmappedEvent is what an event is that OCSF has nothing for.
var unmappedEvent = mapping{class: classBase, activity: activityOther, status: statusUnknown, severity: severityInfo}

func ocsfEvent(e Entry) object {
	m, known := mappings[e.Event]
	if !known {
		m = unmappedEvent
	}
	o := header(e, m.class, m.activity, m.severity)
	o["status_id"], o["activity_name"] = m.status, e.Event
	o["metadata"].(object)["event_code"] = e.Event
	o["message"] = e.Event
	if m.detail != "" {
		o["status_detail"] = m.detail
	}
	switch m.class {
	case classAuthentication:
		o["user"], o["src_endpoint"] = user(e, m), source(e)
		o["service"] = object{"name": service(m)}
		with(o, object{"dst_endpoint": destination(e)})
		if _, second := e.Data["recovery_code"]; second {
			o["is_mfa"] = true
		}
	case classAccountChange:
		o["actor"], o["src_endpoint"] = actor(e), source(e)
		o["user"] = changed(e)
	case classEntity:
		o["actor"], o["src_endpoint"] = actor(e), source(e)
		o["entity"] = object{"type": m.entity, "name": cmp.Or(m.named(e), "unknown")}
	default:
		o["unmapped"] = with(o["unmapped"].(object), object{
			"caller": e.Caller, "issuer": e.Issuer, "caller_kind": string(e.CallerKind), "key": e.Key, "address": e.Address, "zone": e.Zone,
		})
	}
	return o
}

// user is who signs in: a login to the PSA, or a caller to psagate.
func user(e Entry, m mapping) object {
	if m.named == nil {
		return actor(e)["user"].(object)
	}
	return object{"name": cmp.Or(m.named(e), "unknown"), "type_id": 99}
}

// changed is whose account it is: the one that an operator named, else of who did it.
func changed(e Entry) object {
	if subject := e.Data["subject"]; subject != "" {
		return without(object{"uid": subject, "domain": e.Data["issuer"], "type_id": 1})
	}
	return actor(e)["user"].(object)
}

func service(m mapping) string {
	if m.named == nil {
		return "psagate"
	}
	return "Autotask"
}
