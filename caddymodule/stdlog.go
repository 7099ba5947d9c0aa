package caddymodule

import (
	"bytes"
	"io"
	"log"
)

// unsolicited is how net/http begins a line for the standard log that goes on with up to 4 KB of what a server sent
// unasked: whatever the PSA, or somebody in its place, likes to have in our log.
const unsolicited = "Unsolicited response received on idle HTTP channel"

// cutShort writes lines on, without what a server sent unasked.
type cutShort struct{ io.Writer }

// Write implements io.Writer.
func (c cutShort) Write(line []byte) (int, error) {
	at := bytes.Index(line, []byte(unsolicited))
	if at < 0 {
		return c.Writer.Write(line)
	}
	if _, err := c.Writer.Write(append(bytes.Clone(line[:at]), unsolicited+"\n"...)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// cutStandardLog sees to it that the standard log is cut short. Caddy gives it another writer as a config begins, and as one ends.
func cutStandardLog() {
	if _, done := log.Writer().(cutShort); !done {
		log.SetOutput(cutShort{log.Writer()})
	}
}
