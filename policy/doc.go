// Package policy decides which call may pass: a Request goes in, a Decision with its reasons comes out. Policies are
// written in Cedar (https://docs.cedarpolicy.com). Nothing here opens a connection or reads a file but those that
// ReadFiles and ReadCases are given.
//
//	sources, err := policy.ReadFiles("/etc/psagate/policies")
//	policies, err := policy.Load(sources, policy.Options{Entities: known})
//	decision := policies.Decide(request)
//
// # A policy
//
//	@id("itglue reads companies")
//	@reason("the documentation needs them")
//	permit (
//	  principal == Integration::"itglue",
//	  action in [Action::"read", Action::"query"],
//	  resource in Entity::"Companies"
//	);
//
// The principal is an Integration, a Person or a Mailbox. Integrations belong to IntegrationGroups, people to PersonGroups;
// both are named with their issuer in front, Person::"entra/alice@example.com" and PersonGroup::"entra/admins", since two
// issuers may know an alice.
//
// The resource is the entity itself, as Entity::"Companies". An entity is in itself, so == and in mean the same, and no
// entity is in another: whoever may read Companies may not read their Contacts, by whichever path. Which record is meant
// is an attribute: resource.id, and for a child resource.parent (an Entity) and resource.parent_id. Not every call has
// them, so that a policy asks first: resource has id && resource.id == "175". Several entities are named by a condition:
// when { resource in [Entity::"Tickets", Entity::"Contacts"] }.
//
// Schema returns all types, actions, attributes and words of the context. Names of entities and of fields are compared
// without regard to case, as the PSA does. Everything else is compared as it is written.
//
// # Deeds
//
// A Request may also be for what a Person does on psagate itself: disable and enable an Integration; check, release, new_secret
// and show_code on a Login; end_session and reset_factor on a Person; read_mail, retry_mail and drop_mail on a Mailbox.
//
//	permit (
//	  principal in PersonGroup::"entra/helpdesk",
//	  action in [Action::"disable", Action::"enable"],
//	  resource in IntegrationGroup::"backup"
//	);
//
// A permit takes deeds where its head names them, or what they are done on: one for whatever calls do is none for them. A forbid
// that names no action forbids deeds too; what it asks for that deeds do not have, such as context.fields or context.api, is none
// there, or empty. A deed always wants a second factor, of DeedMaxAge where no @stepup says another age.
//
// # What is decided
//
// What no permit takes is denied. A forbid that applies denies, whatever permits apply. A policy that cannot be evaluated
// denies too, be it a permit or a forbid: Cedar alone would skip it, and a forbid that is skipped forbids nothing. Only
// policies whose head takes the call are evaluated.
//
// A permit with @stepup("15m") is for people and wants a second factor that is not older. Where several apply, the
// strictest counts; where a permit without @stepup applies as well, none is wanted. A permit with @stepup must name people
// in its head.
//
// # Fields
//
// context.fields are the names that a create or update writes, context.filters those that a query filters on, and
// context.returns those that a read or query returns. For each there is a word that says whether they are known, such as
// context.fields_known. A policy that looks at names that are not known cannot be evaluated, which is a denial; one that
// asks context.fields_known first decides itself. Which names can be known:
//
//	create, update of a record   the fields written: yes, where the body is understood
//	query with a filter          the fields filtered on: yes, where the filter is understood
//	query with includeFields     the fields returned: yes
//	query without                no: all fields are returned, and an entity has some that only its PSA knows
//	read by id                   no: all fields are returned, whatever the request asks for
//	the next page of a query     neither: the address says nothing that can be trusted
//	count                        the fields filtered on: yes; none is returned
//	attachments, services        no
//
// For an action that has no such names they are known to be none.
//
// # What the caller owes
//
// One thing must have one name, whichever path leads to it: a ticket's note is Entity::"TicketNotes", be it reached at the
// root or through its ticket. A request that is not understood has no action or no entity, and is denied. A SOAP call that
// writes several records is a request for each of them. Who calls, and the groups, are proven before. Observing, recording and answering are the
// caller's, too: here is only decided. Who reloads makes new Policies and swaps a pointer; where Load fails the old ones
// go on.
//
// # Time
//
// context.time is the moment. context.hour (0 to 23), context.minute_of_day (0 to 1439) and context.weekday (1, Monday, to
// 7) are what a clock shows in the time zone of Options.Location. A freeze window and office hours:
//
//	forbid (principal, action in [Action::"create", Action::"update", Action::"delete"], resource)
//	when { context.time >= datetime("2026-12-24T00:00:00+0100") && context.time < datetime("2027-01-02T00:00:00+0100") };
//
//	forbid (principal in IntegrationGroup::"backup", action, resource)
//	when { context.hour >= 8 && context.hour < 18 && context.weekday <= 5 };
//
// # How it is fast
//
// A policy is filed under the principal or group, the actions and the entity that its head names, so that a decision looks
// at those of its own caller and at those for all. What policies say that look at nothing of the single call is remembered
// per caller, action and entity; what the others say is remembered with all that they looked at. Cedar evaluates the rest.
package policy
