package totp

import (
	"context"
	"log/slog"
	"time"
)

// sweepEvery is how often what has expired is removed.
const sweepEvery = time.Hour

// KeepSwept sweeps now, and each hour, until the context ends: see [Engine.Sweep]. One in each process is enough. What fails is for
// the log, and is tried again the next time.
func (e *Engine) KeepSwept(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		removed, resealed, err := e.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("the second factors of people cannot all be swept: it is tried again in an hour", "error", err)
		case removed+resealed > 0:
			log.Info("the second factors of people were swept", "removed", removed, "sealed_anew", resealed)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
