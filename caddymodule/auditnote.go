package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
)

// Begin implements call.Auditor.
func (t *trail) Begin(ctx context.Context, e audit.Entry) (call.Begun, error) {
	e = withoutKeys(e)
	if !t.required.Load() {
		if w := t.writer.Load(); w != nil {
			return w.Begin(ctx, e)
		}
		return &earlyCall{t, e}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	select {
	case <-t.ready:
		return t.writer.Load().Begin(ctx, e)
	case <-ctx.Done():
		return &earlyCall{t, e}, fmt.Errorf("the key of the audit log is not known yet: %w", context.Cause(ctx))
	}
}

// earlyCall is a call that was begun before there was a writer.
type earlyCall struct {
	to    *trail
	entry audit.Entry
}

// End implements call.Begun.
func (c *earlyCall) End(r audit.Result) {
	c.entry.Take(r)
	c.to.Note(c.entry)
}

// Note implements call.Auditor.
func (t *trail) Note(e audit.Entry) {
	e = withoutKeys(e)
	if w := t.writer.Load(); w != nil {
		w.Note(e)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch w := t.writer.Load(); {
	case w != nil:
		w.Note(e)
	case len(t.early) < earlyMost:
		t.early = append(t.early, e)
	default:
		t.lost++
	}
}

// noteEvent writes an event into the log that is in force.
func noteEvent(e audit.Entry) {
	if t := auditing.Load(); t != nil {
		e.Kind = audit.Event
		t.Note(e)
	}
}

// noteHappening writes down what happens to logins.
func noteHappening(h call.Happening) {
	e := audit.Entry{
		Event: string(h.Event), CallerKind: audit.Own, Login: h.Login, CredentialVersion: h.Version, Zone: h.Zone, Data: map[string]string{},
	}
	switch {
	case h.Event == call.LoginReleased:
		e.CallerKind = audit.Operator
	case strings.HasPrefix(h.Integration, call.MailboxPrefix):
		e.CallerKind, e.Caller = audit.Mailbox, strings.TrimPrefix(h.Integration, call.MailboxPrefix)
	case h.Mailbox != "":
		e.CallerKind, e.Caller = audit.Mailbox, h.Mailbox
	case h.Integration == report.ByLockoutMail:
	case h.Integration != "":
		e.CallerKind, e.Caller = audit.Integration, h.Integration
	}
	for name, value := range map[string]string{"store": h.Store, "problem": string(h.Problem), "notice": h.Notice, "done": h.Done} {
		if value != "" {
			e.Data[name] = value
		}
	}
	noteEvent(e)
}

// The events of the audit log beside those that an observer is told of.
const (
	eventConfigLoaded     = "config_loaded"
	eventDisabled         = "integration_disabled"
	eventEnabled          = "integration_enabled"
	eventPolicyChanged    = "policy_changed"
	eventPolicyRefused    = "policy_refused"
	eventLogTakenAway     = audit.EventLogTakenAway
	eventLoginChecked     = "login_checked"
	eventPoolRotated      = "pool_rotated"
	eventSecretWritten    = "secret_written"
	eventSecretNotWritten = "secret_not_written"
	eventStoreCopied      = "store_copied"
	eventTOTPReset        = "totp_reset"
	eventTOTPInvited      = "totp_invited"
)

// configLoaded says that a config came into force, and which: two of the same digest are the same.
func configLoaded(a *App) audit.Entry {
	text, _ := json.Marshal(a)
	sum := sha256.Sum256(text)
	return audit.Entry{Event: eventConfigLoaded, CallerKind: audit.Own, Data: map[string]string{"digest": hex.EncodeToString(sum[:8])}}
}

// author is who did something about psagate itself: a person at the console, or an operator at the admin endpoint, whose name nobody asks
// for.
type author struct {
	person  *session.Person // nil: an operator
	address string          // where that came from; empty where that is not known
}

// operatorOf is the author of a request to the admin endpoint.
func operatorOf(r *http.Request) author { return author{address: operatorAddress(r)} }

// operatorAddress is where an operator comes from; over a socket that is nowhere.
func operatorAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// note writes down what an author did.
func (a author) note(event, login string, data map[string]string) {
	e := audit.Entry{CallerKind: audit.Operator}
	if a.person != nil {
		e = ofPerson(*a.person, a.person.Issuer)
	}
	e.Event, e.Login, e.Data, e.Address = event, login, data, a.address
	noteEvent(e)
}

// noteOperator writes down what an operator did over the admin endpoint.
func noteOperator(r *http.Request, event, login string, data map[string]string) {
	operatorOf(r).note(event, login, data)
}

// notePut writes down what came of a new credential.
func (a author) notePut(login string, result report.PutResult) {
	event, data := eventSecretNotWritten, map[string]string{"verdict": result.Verdict}
	if result.Written {
		event, data["version"] = eventSecretWritten, strconv.FormatUint(result.Version, 10)
	}
	a.note(event, login, data)
}

// noteReset writes down that a second factor was taken away.
func (a author) noteReset(done report.TOTPReset) {
	a.note(eventTOTPReset, "", map[string]string{
		"issuer": done.Issuer, "subject": done.Subject, "ok": strconv.FormatBool(done.Reset), "sessions": strconv.Itoa(done.SessionsEnded),
	})
}

// notePolicy writes down that the policies' files were changed, and that what they have now is not in force where that is so.
func notePolicy(files []string, refused error) {
	e := audit.Entry{Event: eventPolicyChanged, CallerKind: audit.Own, Data: map[string]string{"policy": strings.Join(files, " ")}}
	if refused != nil {
		e.Event, e.Data["problem"] = eventPolicyRefused, shown(refused.Error())
	}
	noteEvent(e)
}
