// Package stepup asks people who are signed in for a second factor, before they come to what is behind it: a code of an authenticator
// app, or a recovery code (internal/totp). It has the pages on which people enrol, prove a code, and look after what they have.
//
// That a second factor was proven is noted in the person's session, in the store: replicas and restarts keep it, and it ends with
// the session. A browser holds nothing by which it could say so itself.
//
// Everything here is behind the gate of internal/signin, by whose visits it knows who comes. Without one nobody comes through.
package stepup
