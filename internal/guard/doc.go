// Package guard keeps a PSA user, a login, from being locked by its own callers.
//
// A login has a budget of units. An attempt, one presentation of a credential to the PSA, leaves only with a unit and
// gives it back only on proof; so the PSA never sees more failed sign-ins since the last successful one than there are
// units. Rows is that state machine: the rows that a store keeps of one login, and the moves between them. It does no
// I/O, reads no clock and starts no goroutine. Login is one login in this process: callers wait in its queue, and its
// prober finds out, alone and cheaply, whether a new or doubted credential is taken.
//
// The PSA is taken at its worst: it counts failed sign-ins per user since that user's last success and never forgives
// by time; verdicts come late, out of order, or not at all.
package guard
