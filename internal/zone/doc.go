// Package zone knows in which of the PSA's data centres each user's tenant lives.
//
// The PSA tells it to anyone who names the user, so the lookup costs nothing and counts as no sign-in. A zone is kept in
// memory and in a storage that outlives the process, and is looked up again when an answer makes it doubtful: a tenant
// can move, and the wrong zone looks like a wrong password. The lookup itself is the caller's; this package does no HTTP.
package zone
