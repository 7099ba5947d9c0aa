package report

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrMailTested says that a mailbox is being tested already.
var ErrMailTested = errors.New("it is being tested at this moment, by somebody else: wait until that is over")

// MailTest is what `mail test --json` prints: what was tried of a mailbox, in order.
type MailTest struct {
	// Mailbox is the mailbox's name in the config.
	Mailbox string `json:"mailbox"`
	// OK: no step failed. Warnings, and what was not tried, do not change it.
	OK bool `json:"ok"`
	// Steps are what was tried, or was not.
	Steps []MailTestStep `json:"steps"`
}

// MailTestStep is one step of a mailbox's test.
type MailTestStep struct {
	// Name is what was tried: name, connection, tls, sign-in, inbox, folder Processed, folder DeadLetter, abilities, move,
	// mark (where mails stay in the inbox), alias and an address; of an intake by SMTP intake, intake tls, intake aliases, intake relay,
	// intake mail; fallback; policy; fields,
	// which is whether the PSA has what the config names for tickets; config where there is nothing to try.
	Name string `json:"name"`
	// Result is ok, warn (it works, and something should be known or changed), failed, or skipped (it was not tried).
	Result string `json:"result"`
	// Words say what was found.
	Words string `json:"words"`
	// Do says what to do, where the words do not; absent where there is nothing.
	Do string `json:"do,omitempty"`
	// Took is how long it took, in milliseconds.
	Took int64 `json:"took_ms"`
}

// MailTestLine is one line of the answer of POST /psa/mail/<mailbox>/test: a step, as soon as it is over, or the whole, which is the
// last line.
type MailTestLine struct {
	// Step is a step that was taken, or was not.
	Step *MailTestStep `json:"step,omitempty"`
	// Done is the whole.
	Done *MailTest `json:"done,omitempty"`
}

// MailTestStep writes a step, as it comes.
func (p Printer) MailTestStep(s MailTestStep) {
	took := ""
	if s.Took >= 1000 && !strings.HasPrefix(s.Name, "alias ") { // whose words say it
		took = fmt.Sprintf(" (%s)", (time.Duration(s.Took) * time.Millisecond).Round(100*time.Millisecond))
	}
	if s.Result == "skipped" && strings.HasPrefix(s.Words, "not tried, since “") { // the step that it waits for is the line that matters
		return
	}
	p.line("  %s %-17s  %s%s", resultMark(s.Result), s.Name, s.Words, took)
	if s.Do != "" {
		p.line("    → %s", strings.ReplaceAll(s.Do, "\n", "\n      "))
	}
}

// MailTest writes what is left to say once all steps were written.
func (p Printer) MailTest(t MailTest) {
	counts := map[string]int{}
	for _, s := range t.Steps {
		counts[s.Result]++
	}
	more := ""
	for _, c := range []struct{ result, words string }{{"failed", "failed"}, {"warn", "with a warning"}, {"skipped", "not tried"}} {
		if n := counts[c.result]; n > 0 {
			more += fmt.Sprintf(", %d %s", n, c.words)
		}
	}
	p.line("mailbox %s: %s (%s%s)", t.Mailbox, verdict(t.OK), plural(len(t.Steps), "step"), more)
}

func resultMark(result string) string {
	switch result {
	case "ok":
		return "✓"
	case "warn":
		return "!"
	case "skipped":
		return "–"
	}
	return "✗"
}
