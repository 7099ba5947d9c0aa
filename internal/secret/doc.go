// Package secret reads records of secret fields from stores and keeps the last reading of each fresh.
//
// A [Source] (a file, a Vault) reads one record. A [Store] polls the records in use, tells their users of each
// change, and serves the last known value for a while when the source is gone. Nothing on a request's path ever
// waits for a source. Field contents are a [Value], which prints as redacted in every form.
package secret
