package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math/big"
	"os"
	"strings"
)

// integration is who calls: a name, and a key, or what the PSA itself takes.
type integration struct{ name, key string }

// newIntegrations makes integrations with keys as `psagate key new` makes them: "psagate_", 256 random bits and their CRC-32,
// both in base62.
func newIntegrations(n int) []integration {
	made := make([]integration, n)
	for i := range made {
		var bits [32]byte
		_, _ = rand.Read(bits[:]) // never fails
		token := "psagate_" + base62(new(big.Int).SetBytes(bits[:]), 43)
		made[i] = integration{fmt.Sprintf("bench%d", i), token + base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(token)))), 6)}
	}
	return made
}

func base62(n *big.Int, digits int) string {
	text := n.Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

// hash is what the config has of the key.
func (i integration) hash() string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(i.key))) }

// writeCallers writes the file that both loops read: a name, a key, and both as HTTP Basic has them.
func writeCallers(path string, callers []integration) error {
	var text strings.Builder
	for _, c := range callers {
		fmt.Fprintf(&text, "%s %s %s\n", c.name, c.key, base64.StdEncoding.EncodeToString([]byte(c.name+":"+c.key)))
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}
