// Package issuertest has OpenID providers for tests: a certified one from npm, which was written by others, and one that lies to
// order.
package issuertest
