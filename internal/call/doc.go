// Package call is one call from identity to answer, without the server that received it: who calls, which login it goes
// through, the body received whole, the way to the PSA, and the answer pointed back at the gateway.
//
// A Gateway is one config's. What must outlive a config, the guard's tables and the credentials that its logins were
// served with, is Shared.
package call
