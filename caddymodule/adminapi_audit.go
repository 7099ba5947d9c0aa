package caddymodule

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/report"
)

// auditStanding answers how the audit log stands, and with what the running server knows that a check of it needs. The key is not
// among that.
func auditStanding(w http.ResponseWriter, r *http.Request, in *App) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	if in.audit == nil {
		return apiError(http.StatusConflict, "the running config writes no audit log: its psa block has no audit")
	}
	out := in.audit.standing()
	if in.InstallationKey == nil {
		out.KeyFile = keyFile()
	}
	heads, err := ground().store.Anchors().Heads(r.Context())
	if err != nil {
		out.Problems = append(out.Problems, "the anchored heads cannot be read: "+err.Error())
		return writeJSON(w, out)
	}
	out.NoteHeads(heads)
	return writeJSON(w, out)
}

// standing is how the log is.
func (t *trail) standing() report.AuditStatus {
	out := report.AuditStatus{Output: t.name, Required: t.required.Load()}
	w := t.writer.Load()
	if w == nil {
		out.Problems = []string{errNotYet.Error()}
		return out
	}
	s := w.Status()
	out.Chain, out.Written, out.Anchored, out.Key = s.Head.Chain, s.Head.Seq, s.Anchored.Seq, s.Head.Key
	out.Waiting, out.Lost = s.Waiting, s.Lost
	if s.Err != nil {
		out.Problems = append(out.Problems, "it cannot be written: "+s.Err.Error())
	}
	if s.AnchorErr != nil {
		out.Problems = append(out.Problems, s.AnchorErr.Error())
	}
	if s.Lost > 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("%d lines are lost since psagate was started", s.Lost))
	}
	return out
}

// how is the writer's status; before it can write, what waits for it is not known.
func (t *trail) how() audit.Status {
	if w := t.writer.Load(); w != nil {
		return w.Status()
	}
	return audit.Status{Err: errNotYet}
}

// errNotYet: the key, or the store that holds it, is waited for.
var errNotYet = errors.New("nothing is written yet: the store, or the installation's key, is waited for")

// status is the engine's, with what is wrong with the audit log.
func (a *App) status() report.Status {
	s := a.engine.Status()
	if a.audit == nil {
		return s
	}
	for _, problem := range a.audit.standing().Problems {
		s.Problems = append(s.Problems, "the audit log "+a.audit.name+": "+problem)
	}
	return s
}

// keyFile is where the installation's key is where no record holds it.
func keyFile() string { return dataPath("keys", "installation.key") }
