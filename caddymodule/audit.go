package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/logging"
)

// Audit is where calls and security events are written down, a line of JSON each, chained so that it shows when somebody changed
// them.
type Audit struct {
	// WriterRaw is a writer of Caddy's logs, which nothing else may write to. Default: the file psagate/audit/audit.log in Caddy's
	// data directory, rotated as Caddy's files are.
	WriterRaw json.RawMessage `json:"writer,omitempty" caddy:"namespace=caddy.logging.writers inline_key=output"`

	// Required says that no call is made whose line is not on disk: where it cannot be written, the answer is 503 with the reason
	// audit-unavailable. The writer must be one whose lines can be put on disk: a file. Default: false.
	Required bool `json:"required,omitempty"`
}

// neverOnDisk are Caddy's own writers whose lines nobody can put on disk.
var neverOnDisk = []string{"stdout", "stderr", "discard", "net"}

// writer returns the writer's config, and its name.
func (u *Audit) writer() (raw json.RawMessage, name string) {
	raw = u.WriterRaw
	if raw == nil {
		raw = caddyconfig.JSONModuleObject(logging.FileWriter{Filename: dataPath("audit", "audit.log")}, "output", "file", nil)
	}
	var of struct {
		Output string `json:"output"`
	}
	_ = json.Unmarshal(raw, &of) // what is none has no name, and does not load
	return raw, of.Output
}

// checkAudit says what is wrong with the audit log.
func (a *App) checkAudit() error {
	if a.Audit == nil || !a.Audit.Required {
		return nil
	}
	if _, name := a.Audit.writer(); slices.Contains(neverOnDisk, name) {
		return faultAt("audit required", "what is written to %s cannot be put on disk before a call is made: leave required out, or take output file", name)
	}
	return nil
}

// buildAudit finds the audit log that the config means. It opens nothing.
func (a *App) buildAudit(ctx caddy.Context) error {
	if a.Audit == nil {
		return nil
	}
	with := &Audit{Required: a.Audit.Required}
	with.WriterRaw, _ = a.Audit.writer()
	settings := string(with.WriterRaw)
	loaded, err := ctx.LoadModule(with, "WriterRaw")
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	opener, ok := loaded.(caddy.WriterOpener)
	if !ok {
		return fmt.Errorf("audit: module %T writes no logs", loaded)
	}
	a.audit = takeTrail(output{opener, settings, with.Required})
	return nil
}

// startAudit opens the audit log, unless it is open: a load whose log cannot be written to is refused.
func (a *App) startAudit() error {
	if a.audit == nil {
		return nil
	}
	return a.audit.start()
}

// commitAudit puts the config's audit log into force.
func (a *App) commitAudit() {
	if a.audit == nil {
		auditing.Store(nil)
		return
	}
	a.audit.commit()
	auditing.Store(a.audit)
	noteEvent(configLoaded(a))
}

// leaveAudit ends the config's use of its audit log.
func (a *App) leaveAudit() {
	if a.audit == nil {
		return
	}
	auditing.CompareAndSwap(a.audit, nil)
	a.audit.leave()
}
