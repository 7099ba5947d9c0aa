// Package policy decides which call may pass: a Request goes in, a Decision with its reasons comes out.
package policy
