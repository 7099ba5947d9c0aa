package vault

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// engineKnown is how long the kind of the engine is not asked for again.
const engineKnown = time.Minute

// engine remembers what the secrets engine turned out to be when a record was missing: a KV version 1 engine answers
// questions for version 2 as if there were no records.
type engine struct {
	mu    sync.Mutex
	asked time.Time
	wrong string
}

// kind returns what the engine is instead of KV version 2, or nothing where it is that or Vault does not say.
func (e *engine) kind(ctx context.Context, s *Source, at place) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.asked.IsZero() && time.Since(e.asked) < engineKnown {
		return e.wrong
	}
	a, err := s.get(ctx, location{"sys/internal/ui/mounts", at.mount})
	if err != nil {
		return e.wrong
	}
	e.asked, e.wrong = time.Now(), ""
	if a.status != http.StatusOK {
		return ""
	}
	data := a.secret().Data
	kind, _ := data["type"].(string)
	options, _ := data["options"].(map[string]any)
	switch number, _ := options["version"].(string); {
	case kind == "kv" && number == "2", kind == "":
	case kind == "kv":
		e.wrong = "KV version 1"
	default:
		e.wrong = "of another type"
	}
	return e.wrong
}
