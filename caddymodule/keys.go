package caddymodule

import "regexp"

// keyLike matches what may be a key of psagate's, a mistyped one too, with its underscore percent-encoded, and as Base64
// writes it: in three ways, by how many bytes stand before it.
var keyLike = regexp.MustCompile(`psagate(?:_|%5[fF])[0-9A-Za-z]{16,}|(?:cHNhZ2F0ZV|BzYWdhdGVf|wc2FnYXRlX)[0-9A-Za-z+/_-]{16,}`)

// maskedKey stands where a key was.
const maskedKey = "psagate_***"

// shown returns text that is safe to show: without what looks like a key.
func shown(text string) string { return keyLike.ReplaceAllLiteralString(text, maskedKey) }
