// Package identity tells which integration a call comes from, by the key of psagate's that it carries where PSA
// credentials would go. The key alone decides; a user name beside it is only compared for the log.
package identity
