// Package autotask is the dialect of the Autotask PSA: everything that is particular to it and to nothing else.
//
// It reads operations off request paths, says which headers and which hosts a credential may travel with, reads the
// verdict on a sign-in off an answer, points absolute URLs in answers back at the gateway, and words the gateway's own
// errors the way the PSA words its own. It opens no connection and no file: it takes values and io.Readers.
package autotask
