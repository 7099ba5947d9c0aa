// Package inject carries a call to the PSA with a credential that its caller never sees, so that one send is one sign-in.
//
// Wire is the wire: it sends a request at most once, finds out whether any of it went out, and judges the answer.
// Call is the way of one call: reserve a unit, strip, set the credential on a request of our own, send, classify, settle, and
// where the PSA refused and another credential is due, once more with it.
package inject
