// Package identity tells which integration a call comes from: by the key of psagate's that it carries where PSA
// credentials would go, or by its client certificate. A user name beside a key is only compared for the log.
package identity
