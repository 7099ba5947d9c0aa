// Package report holds what psagate says about itself: the structs that the admin endpoint sends as JSON,
// and the text that the commands print from them.
//
// The JSON shapes are a contract: golden files keep them. Times are RFC 3339; durations are numbers whose
// name ends in _seconds. Nothing here has a field for a secret, a key or a mail.
package report
