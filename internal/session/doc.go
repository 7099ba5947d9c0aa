// Package session keeps who is signed in: a person's browser holds a random token, and the store what it stands for.
//
// The store has only a hash of the token, so that whoever reads it cannot be anybody. A session ends when it was not used for a
// while, at its end whatever is done, when its person signs out, and when an operator or the provider ends it: at once, for all
// processes of the store, since each look goes there.
package session
