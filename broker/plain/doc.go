// Package plain makes plain text that people like to read out of what a mail says. The PSA keeps plain text alone: a
// ticket's description is what this package makes of an HTML mail.
//
// HTML is read with the tokenizer of golang.org/x/net/html, in one pass and without a tree: a tree has an end at 512 open
// elements, which hostile and merely bad mails reach, and libraries that write Markdown put backslashes before what a
// person wrote.
package plain
