package audit

import "cmp"

// actor is who did it: an integration as an application, a person or a mailbox as a user.
func actor(e Entry) object {
	u := without(object{"uid": e.Caller, "domain": e.Issuer, "credential_uid": e.Key, "groups": groups(e)})
	u["type_id"] = userType(e)
	if e.Caller == "" {
		u["name"] = cmp.Or(string(e.CallerKind), "unknown")
	}
	a := without(object{"user": u, "authorizations": authorizations(e)})
	if e.CallerKind == Integration {
		a["app_name"], a["app_uid"] = e.Caller, e.Caller
	}
	return a
}

// userType: 1 is a user, 2 an administrator, 3 the system, 99 another kind.
func userType(e Entry) int {
	switch e.CallerKind {
	case Person:
		return 1
	case Operator:
		return 2
	case Own:
		return 3
	case Integration, Mailbox:
		return 99
	}
	return 0
}

func groups(e Entry) (list []object) {
	for _, name := range e.Groups {
		list = append(list, object{"name": name})
	}
	return list
}

func authorizations(e Entry) (list []object) {
	if e.Decision == "" {
		return nil
	}
	for _, reason := range e.Reasons {
		list = append(list, object{"decision": string(e.Decision), "policy": object{"name": reason}})
	}
	if list == nil {
		list = append(list, object{"decision": string(e.Decision)})
	}
	return list
}
