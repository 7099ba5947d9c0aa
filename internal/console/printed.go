package console

import (
	"bytes"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// printed are the lines that a command prints, as sentences.
func printed(write func(report.Printer)) (lines []string) {
	var text bytes.Buffer
	write(report.Printer{Out: &text, Location: time.UTC})
	for line := range strings.Lines(text.String()) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
