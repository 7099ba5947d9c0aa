package tickets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
)

// ErrDenied says that policy, an operator or the PSA's rights do not permit it.
var ErrDenied = errors.New("it is not permitted")

// errHere: it is this gateway that does not permit it, as an operator wants it now.
var errHere = errors.New("it is refused here")

// refusal is what the PSA said of what it does not take. It is a drive.ErrRefused.
type refusal struct{ texts []string }

func (r *refusal) Error() string { return "the PSA refuses it: " + strings.Join(r.texts, " ") }

// Is implements errors.Is's.
func (r *refusal) Is(target error) bool { return target == drive.ErrRefused }

// say makes a call, and reads its answer into to, which may be nil. The error is a drive.ErrRefused, a drive.ErrNotNow, or says that
// nobody knows what became of it.
func (t *Tickets) say(ctx context.Context, method, path string, body, to any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%w: %w", drive.ErrRefused, err)
		}
	}
	a, err := t.caller.Call(ctx, method, path, text)
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrNotNow, err)
	}
	err = t.judge(method, path, a)
	if took := t.down.heard(a, t.now()); took >= outageLong && t.back != nil {
		t.back()
	}
	if err != nil || to == nil {
		return err
	}
	if err := json.Unmarshal(a.Body, to); err != nil {
		return fmt.Errorf("%s %s: the PSA's answer cannot be read: %w", method, path, err)
	}
	return nil
}

// judge says what an answer means.
func (t *Tickets) judge(method, path string, a call.InsideAnswer) error {
	texts := errorTexts(a.Body)
	said := strings.Join(texts, " ")
	what := method + " " + withoutIDs(path)
	switch {
	case a.InDoubt:
		return fmt.Errorf("%s: it is not known whether the PSA did it: status %d %s", what, a.Status, a.Reason)
	case a.Reason != "":
		return t.own(what, a.Reason, said)
	case a.Status < http.StatusMultipleChoices && len(texts) == 0:
		return nil
	case a.Status == http.StatusTooManyRequests || limited(said):
		return fmt.Errorf("%s: %w: a limit of the PSA's is reached: %s", what, drive.ErrNotNow, said)
	case a.Status == http.StatusForbidden || forbidden(said):
		t.troubles.add(t.now(), t.log, "the PSA does not permit it to the login's user: give its security level the right to "+what+": "+bounded(said))
		return fmt.Errorf("%s: %w: %w: %s", what, drive.ErrNotNow, ErrDenied, said)
	case a.Status < http.StatusInternalServerError && a.Status >= http.StatusBadRequest, validation(said):
		return fmt.Errorf("%s: %w", what, &refusal{append(texts, http.StatusText(a.Status))})
	}
	return fmt.Errorf("%s: it is not known whether the PSA did it: status %d: %s", what, a.Status, said)
}

// own says what an answer of the gateway's own means: the PSA did nothing.
func (t *Tickets) own(what string, reason autotask.Reason, said string) error {
	switch reason {
	case autotask.TooLarge, autotask.BadRequest, autotask.NotFound:
		return fmt.Errorf("%s: %w: %s: %s", what, drive.ErrRefused, reason, said)
	case autotask.Policy, autotask.StepUp, autotask.Disabled:
		t.troubles.add(t.now(), t.log, what+" is refused here ("+string(reason)+"): "+bounded(said))
		return fmt.Errorf("%s: %w: %w: %w: %s: %s", what, drive.ErrNotNow, ErrDenied, errHere, reason, said)
	case autotask.Rate: // which says why mails wait
		t.troubles.add(t.now(), t.log, bounded(said))
	}
	return fmt.Errorf("%s: %w: %s: %s", what, drive.ErrNotNow, reason, said)
}

// errorTexts are the texts of an answer that tells of errors, which one with a status of success can be too.
func errorTexts(body []byte) []string {
	if !bytes.Contains(body, []byte(`rrors"`)) { // of a large answer
		return nil
	}
	var said struct{ Errors []string }
	if json.Unmarshal(body, &said) != nil {
		return nil
	}
	return said.Errors
}

// limited reports whether a text is that of a limit: what was told was not looked at.
func limited(said string) bool {
	said = strings.ToLower(said)
	return strings.Contains(said, "threshold") && strings.Contains(said, "exceeded")
}

// forbidden reports whether a text says that the login's user lacks a right.
func forbidden(said string) bool {
	return strings.Contains(strings.ToLower(said), "does not have the adequate permissions")
}

// validationWords are of the texts with which the PSA refuses a value. A text that has none of them may be of an error after the
// deed: then it is not known what was done, and has to be looked for.
var validationWords = []string{
	"missing required field", "does not exist or is invalid", "does not reference an existing", "does not exist.", "does not belong to",
	"maximum length", "maximum size", "must assign", "must be", "is required", "error converting", "could not convert",
	"unexpected character", "unable to find", "invalid query syntax", "not allowed", "no matching records found", "is not a valid", "is invalid",
}

// validation reports whether a text refuses what was told.
func validation(said string) bool {
	said = strings.ToLower(said)
	for _, w := range validationWords {
		if strings.Contains(said, w) {
			return true
		}
	}
	return false
}

// withoutIDs is a path that is the same for all records.
func withoutIDs(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

// bounded cuts a text that others have worded.
func bounded(text string) string {
	const most = 600
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// refusedTexts are what the PSA said where it refused, in lower case; empty for another error.
func refusedTexts(err error) string {
	var r *refusal
	if !errors.As(err, &r) {
		return ""
	}
	return strings.ToLower(strings.Join(r.texts, " "))
}
