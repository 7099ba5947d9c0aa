// Package audit writes who did what, so that it can be shown afterwards and that it shows when somebody changed it.
//
// An Entry is one call or one security event. A Writer makes a line of JSON of it and chains it to the line before: each line
// holds the code of the one before and its own, an HMAC-SHA-256 over all of the line before it. A process begins a chain of its
// own. Heads of chains are anchored in the store, so that a tail that was cut off shows. A Verifier reads files, in any order,
// and tells what is not as it was written.
//
// What is promised, and what is not, is in docs/audit.md. Opening files and the store are the caller's.
package audit
