package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/audit"
)

// AuditStatus is how the audit log stands, and what it takes to check it but the key.
type AuditStatus struct {
	// Output is what lines are written to: of a file its path.
	Output string `json:"output"`
	// Required: no call is made whose line is not on disk.
	Required bool `json:"required"`
	// Chain is the id of the chain that is written; empty while its key is not known.
	Chain string `json:"chain"`
	// Written is the number of the last line that is surely on disk.
	Written uint64 `json:"written"`
	// Anchored is the number of the last line that is anchored.
	Anchored uint64 `json:"anchored"`
	// Waiting is how many lines wait to be written.
	Waiting int `json:"waiting"`
	// Lost is how many entries have no line.
	Lost uint64 `json:"lost"`
	// Problems are why it is not written, or not anchored.
	Problems []string `json:"problems,omitempty"`
	// Key is the id of the key that chains the lines.
	Key string `json:"key"`
	// KeyFile is the file of the installation's key; absent where that is a record of a store.
	KeyFile string `json:"key_file,omitempty"`
	// Heads are the anchored heads of all chains, the one that began last at the end; absent where they cannot be read.
	Heads []AuditHead `json:"heads,omitempty"`
}

// AuditHead is how far a chain had come when it was anchored last.
type AuditHead struct {
	// Chain is the chain's id.
	Chain string `json:"chain"`
	// Host is whose chain it is: the machine's name, and 8 digits that tell its outputs apart.
	Host string `json:"host"`
	// Key is the id of the key that chains it.
	Key string `json:"key"`
	// Number tells which chain was anchored for the first time before which; 0 where that was not counted yet.
	Number uint64 `json:"number"`
	// Seq is the line's number.
	Seq uint64 `json:"seq"`
	// MAC is the line's code, which is no secret.
	MAC string `json:"mac"`
	// At is when that was.
	At time.Time `json:"at"`
	// Closed: it is the chain's last line.
	Closed bool `json:"closed"`
}

// NoteHeads adds the anchored heads.
func (a *AuditStatus) NoteHeads(heads []audit.Head) {
	a.Heads = make([]AuditHead, 0, len(heads))
	for _, h := range heads {
		a.Heads = append(a.Heads, AuditHead(h))
	}
}

// Anchors are the anchored heads as the audit log has them; nil where they could not be read.
func (a AuditStatus) Anchors() []audit.Head {
	if a.Heads == nil {
		return nil
	}
	heads := make([]audit.Head, 0, len(a.Heads))
	for _, h := range a.Heads {
		heads = append(heads, audit.Head(h))
	}
	return heads
}

// AuditVerified is what `audit verify --json` prints.
type AuditVerified struct {
	// OK: nothing is wrong.
	OK bool `json:"ok"`
	// Report is what was found.
	Report audit.Report `json:"report"`
}

// AuditVerified writes what was found in an audit log for people, in the order of the files, what is wrong first.
func (p Printer) AuditVerified(v AuditVerified) {
	r := v.Report
	for _, f := range r.Findings {
		if f.Fault {
			p.line("%s", f)
		}
	}
	if r.Faults > 0 {
		p.line("")
	}
	for _, f := range r.Findings {
		if !f.Fault {
			p.line("note: %s", f)
		}
	}
	if r.LeftOut > 0 {
		p.line("and %d findings more", r.LeftOut)
	}
	what := plural(int(r.Lines), "line") + " of " + plural(len(r.Chains), "chain") + " in " + plural(r.Files, "file")
	if v.OK {
		p.line("the log is as it was written: %s", what)
		return
	}
	p.line("THE LOG IS NOT AS IT WAS WRITTEN: %s; as they were written are %s", plural(r.Faults, "fault"), what)
}

// AuditLine is an entry of the audit log for people, in one line. Texts in it are escaped: callers choose some of them.
func AuditLine(e audit.Entry) string {
	who := cmp.Or(e.Caller, string(e.CallerKind), "-")
	if e.CallerKind == audit.Person && e.Issuer != "" { // who may be called as an integration is
		who = e.Issuer + "/" + e.Caller
	}
	if e.Kind == audit.Event {
		return fmt.Sprintf("%s %s %s %s%s", e.Time.UTC().Format(time.RFC3339), plain(who), plain(e.Event), plain(cmp.Or(e.Login, "-")), dataText(e.Data))
	}
	what := strings.TrimSpace(cmp.Or(e.Action, e.Method) + " " + e.Entity)
	for _, below := range []string{e.ID, e.Child, e.ChildID} {
		if below != "" {
			what += "/" + below
		}
	}
	text := fmt.Sprintf("%s %s %s", e.Time.UTC().Format(time.RFC3339), plain(who), plain(what))
	if e.Phase == audit.Intent {
		return text + " intent"
	}
	if e.Decision != "" {
		text += " " + string(e.Decision)
	}
	return strings.TrimRight(fmt.Sprintf("%s %s %d %s", text, plain(cmp.Or(string(e.DecidedBy), "-")), e.Status, plain(e.Reason)), " ")
}

func dataText(data map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(data)) {
		fmt.Fprintf(&b, " %s=%s", plain(name), plain(data[name]))
	}
	return b.String()
}

// plain is a text that moves no terminal's cursor.
func plain(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
