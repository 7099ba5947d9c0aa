package console

import (
	"time"

	"github.com/psagate/psagate/internal/report"
)

// Source is what a console shows. Its methods may be called at any time by any number of callers.
type Source interface {
	// Status is what `psagate status` prints.
	Status() report.Status
	// Failures are what `psagate failures` prints, of what failed since a moment.
	Failures(since time.Time) (report.Failures, error)
}
