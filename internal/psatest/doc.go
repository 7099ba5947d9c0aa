// Package psatest is a simulator of Autotask's REST API and of its older SOAP API, version 1.6: several zones and
// tenants in one process, the lockout, the bare 401, paging with absolute URLs, the thread and hourly limits, and
// faults to order. Both APIs have the same records, users, limits and ledger.
//
// What it promises above all is its ledger: every sign-in that the simulated PSA judged is in it, in the
// order of judgement, whether or not the client was still there to hear the answer. Tests assert on that
// ledger instead of on what a client believes it sent.
//
// Where the real service's behaviour is not known, the harsher reading is the default (a wrong zone burns an
// attempt, a right secret on a locked user stays refused) and [Behaviour] switches it. Limits are off until
// [AutotaskLimits] or a figure of one's own sets them. [Faults] lists what else may go wrong.
//
// [Zone.AddWeb] and [Sim.AddUniversalWeb] add the side for people: a sign-in of two steps and a one-time code, sessions, and
// pages that links lead to. Its sign-ins are in the same ledger.
//
// [Sim.AddMailService] adds the service that makes tickets of mails. For what a mail bridge must outlive there are Later (a late
// commit), [Tenant.SetDuplicates] and [Tenant.SetDuplicateTitles] (a ticket that is merged), NoExternalID and Attached of [Behaviour].
//
// A Sim can be used three ways: on sockets of its own ([Sim.AddZone]), on a listener of the caller's
// ([Sim.AddZoneOn], for instance one of a [Network], which lives inside a testing/synctest bubble), or without
// any listener, since a [Zone] is an [net/http.Handler].
package psatest
