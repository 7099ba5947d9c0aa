package caddymodule

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
)

// maxRotation is the longest that a rotation may take at one login.
const maxRotation = time.Hour

// rotate rotates a pool. Its answer is a line of JSON for each step as it begins, one for each login, as soon as the walk is
// through with it, and one for the whole: a walk may take minutes, and whoever asked for it is to see how far it is.
func (a *AdminAPI) rotate(w http.ResponseWriter, r *http.Request, e engine, pool string) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	within, err := askedWithin(body)
	if err != nil {
		return err
	}
	lines := &jsonLines{w: w}
	done, err := e.Rotate(r.Context(), pool, within, func(l report.RotationLine) { lines.write(l) })
	switch {
	case errors.Is(err, report.ErrUnknownPool):
		return apiError(http.StatusNotFound, "pool %q: %w", pool, err)
	case errors.Is(err, report.ErrRotating):
		return apiError(http.StatusConflict, "pool %q: %w", pool, err)
	case err != nil:
		return apiError(http.StatusInternalServerError, "pool %q: %w", pool, err)
	}
	noteOperator(r, eventPoolRotated, "", map[string]string{"pool": pool, "ok": strconv.FormatBool(done.OK)})
	lines.write(report.RotationLine{Done: &done})
	return nil
}

// askedWithin reads how long a rotation may take at a login.
func askedWithin(body []byte) (time.Duration, error) {
	asked := struct {
		Timeout *string `json:"timeout"`
	}{}
	if len(body) == 0 {
		return call.DefaultRotation, nil
	}
	if err := caddy.StrictUnmarshalJSON(body, &asked); err != nil || asked.Timeout == nil {
		return 0, apiError(http.StatusBadRequest, `the body must be {"timeout": "2m"}, or empty`)
	}
	within, err := parseWithin(*asked.Timeout)
	if err != nil {
		return 0, apiError(http.StatusBadRequest, "timeout: %w", err)
	}
	return within, nil
}

// parseWithin reads a duration that a rotation may take at a login.
func parseWithin(text string) (time.Duration, error) {
	within, err := caddy.ParseDuration(text)
	if err != nil || within <= 0 || within > maxRotation {
		return 0, errWithin
	}
	return within, nil
}

var errWithin = errors.New("a duration of more than 0 and at most 1h is needed, such as 2m")

// jsonLines writes values, a line each, and sends each at once. Whoever has left hears nothing.
type jsonLines struct{ w http.ResponseWriter }

func (l *jsonLines) write(value any) {
	l.w.Header().Set("Content-Type", "application/x-ndjson")
	if json.NewEncoder(l.w).Encode(value) == nil {
		_ = http.NewResponseController(l.w).Flush()
	}
}
