// Package secret reads records of secret fields from stores, keeps the last reading of each fresh, and writes new versions.
//
// A [Source] (a file, a Vault) reads one record. A [Store] polls the records in use, tells their users of each
// change, and serves the last known value for a while when the source is gone. Nothing on a request's path ever
// waits for a source. A source that is a [Writer] makes new versions, by compare-and-set. Field contents are a [Value], which prints as redacted in every form.
package secret
