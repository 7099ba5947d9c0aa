package inject

import (
	"bytes"
	"io"
	"log"
	"sync"
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

// cutting guards the change of the standard log's writer against ourselves.
var cutting sync.Mutex

// cutStandardLog sees to it that the standard log is cut short. Others give it another writer when they like: Caddy with each
// config that it tries to load. So it is looked at before each attempt.
func cutStandardLog() {
	if isCut(log.Writer()) {
		return
	}
	cutting.Lock()
	defer cutting.Unlock()
	if w := log.Writer(); !isCut(w) {
		log.SetOutput(cutShort{w})
	}
}

func isCut(w io.Writer) bool {
	_, is := w.(cutShort)
	return is
}
