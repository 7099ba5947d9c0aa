// Package thread finds the ticket that a mail belongs to by what the mail itself carries: a token that this broker has
// signed, and numbers in its subject, which anyone may write there. Who asks for the ticket behind a number checks the
// sender; a token is its own proof. It does no I/O.
package thread

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/psagate/psagate/broker/message"
)

// Keys sign tokens and marks. The first signs; all are taken, so that a key can be replaced while mails with the old one
// are still being answered. They print as redacted.
type Keys struct{ keys [][]byte }

// keyLeast is the shortest key, in bytes.
const keyLeast = 32

// NewKeys takes the key to sign with, and older ones. Each has at least 32 bytes.
func NewKeys(signing []byte, older ...[]byte) (Keys, error) {
	keys := append([][]byte{signing}, older...)
	for _, k := range keys {
		if len(k) < keyLeast {
			return Keys{}, fmt.Errorf("a key for mail tokens has %d bytes; give at least %d", len(k), keyLeast)
		}
	}
	return Keys{keys}, nil
}

// String keeps keys out of logs.
func (Keys) String() string { return "redacted" }

// GoString does, too.
func (Keys) GoString() string { return "redacted" }

// Format does, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redacted")) }

// MarshalText does in JSON.
func (Keys) MarshalText() ([]byte, error) { return []byte("redacted"), nil }

// LogValue does in slog.
func (Keys) LogValue() slog.Value { return slog.StringValue("redacted") }

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// macSize is in bytes: 80 bits, 16 letters. Guessing one takes 2^79 mails.
const macSize = 10

func mac(key []byte, purpose string, of ...string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("psagate " + purpose))
	for _, s := range of {
		fmt.Fprintf(h, "\x00%d:%s", len(s), s)
	}
	return letters.EncodeToString(h.Sum(nil)[:macSize])
}

// prefix is what a token begins with; its digit is the version of what is signed.
const prefix = "t1-"

// Token says that a mail belongs to a ticket of a tenant. It has letters, digits and dashes alone, in lower case, so that
// it lives on in a sub-address and in a Message-ID, whoever rewrites them.
func (k Keys) Token(tenant string, ticket int64) string {
	id := strconv.FormatInt(ticket, 36)
	return prefix + id + "-" + mac(k.keys[0], "mail thread", tenant, id)
}

var errToken = errors.New("this is no token of ours")

// Open reads a token. The error says nothing about why.
func (k Keys) Open(tenant, token string) (ticket int64, err error) {
	id, sum, ok := strings.Cut(strings.TrimPrefix(strings.ToLower(token), prefix), "-")
	if !ok || !strings.HasPrefix(strings.ToLower(token), prefix) || !k.valid(sum, "mail thread", tenant, id) {
		return 0, errToken
	}
	if ticket, err = strconv.ParseInt(id, 36, 64); err != nil || ticket <= 0 {
		return 0, errToken
	}
	return ticket, nil
}

func (k Keys) valid(sum, purpose string, of ...string) bool {
	for _, key := range k.keys {
		if hmac.Equal([]byte(sum), []byte(mac(key, purpose, of...))) {
			return true
		}
	}
	return false
}

// MarkField is the header field by which this broker knows its own mail again.
const MarkField = "X-Psagate-Mark"

// Mark is MarkField's value in a mail that goes out, made of its Message-ID (without brackets): a copy of it in another
// mail proves nothing.
// Empty without keys.
func (k Keys) Mark(messageID string) string {
	if len(k.keys) == 0 {
		return ""
	}
	return mac(k.keys[0], "own mail", messageID)
}

// IsOwn tells whether a mail with this Message-ID carries our mark.
func (k Keys) IsOwn(messageID, mark string) bool {
	return messageID != "" && k.valid(strings.ToLower(strings.TrimSpace(mark)), "own mail", messageID)
}

// Own tells whether a mail with this header is this broker's; it fits message.Options.
func (k Keys) Own(header message.Header) bool {
	return k.IsOwn(header.MessageID(), header.Get(MarkField)) || k.IsProbe(header)
}
