// Package issuer speaks with OpenID providers: it signs people in (authorization code with PKCE), reads the access tokens of
// machines (RFC 9068) and the logout tokens of back-channel logout.
//
// What a provider says of itself, and its keys, are read when they are first needed, so that one that is down keeps no config
// from loading. They are read again while they are used; where that fails the old ones serve for a time, and nothing is
// believed after it.
package issuer
