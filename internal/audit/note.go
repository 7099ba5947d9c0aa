package audit

import (
	"encoding/json"
	"strconv"
	"time"
)

// The lines that a Writer writes about its chain.
const (
	// wordStart is in a chain's first line.
	wordStart = "start"
	// wordResume is in the first line after a write that failed.
	wordResume = "resume"
	// wordLost is in the line that stands for entries that are not in the log.
	wordLost = "lost"
	// wordClose is in a chain's last line.
	wordClose = "close"
)

// note is what a line about the chain says.
type note struct {
	Word string `json:"word"`
	// Version is the form of the lines, Host whose chain it is, Former the chain before on that host: of start.
	Version uint64  `json:"version"`
	Host    string  `json:"host"`
	Former  *former `json:"former"`
	// From and To are the lines that may not be there, or not whole: of resume. None of them was answered for.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Count is how many entries were lost: of lost.
	Count uint64 `json:"count"`
	// Process is the one that wrote the line.
	Process string `json:"process"`
}

// former is the head of the chain before.
type former struct {
	Chain string `json:"chain"`
	Seq   uint64 `json:"seq"`
	MAC   string `json:"mac"`
}

// note appends a line about the chain.
func (s *sealer) note(b []byte, at time.Time, up time.Duration, n note) []byte {
	from := len(b)
	b = s.begin(b, at, up, kindChain)
	b = appendText(b, "word", n.Word)
	b = appendNumber(b, "version", n.Version)
	b = appendText(b, "host", n.Host)
	if f := n.Former; f != nil {
		b = append(appendName(b, "former"), `{ "chain": `...)
		b = append(appendString(b, f.Chain), `, "seq": `...)
		b = append(strconv.AppendUint(b, f.Seq, 10), `, "mac": `...)
		b = append(appendString(b, f.MAC), '}')
	}
	b = appendNumber(b, "from", n.From)
	b = appendNumber(b, "to", n.To)
	b = appendNumber(b, "count", n.Count)
	return s.end(b, from)
}

// note reads what a line about the chain says.
func (l line) note() (n note, err error) {
	err = json.Unmarshal(append(append([]byte(nil), l.signed...), '}'), &n)
	return n, err
}
