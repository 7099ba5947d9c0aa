// Package provider is an OpenID provider for the demo alone: its people have no passwords, and whoever comes picks one of them. All
// else is as with a real one, so that what signs in with it is tried: the authorization code flow with PKCE (RFC 7636), a nonce,
// ID tokens signed with RS256, and RP-initiated logout. It remembers nobody: each sign-in shows the page again.
//
// It has a telephone too, for who has none at hand: a page that shows the codes of an authenticator app.
package provider
