package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// profiling is how long a profile is taken.
const profiling = 5 * time.Second

// profileAll takes profiles of the two Caddys under the closed loop, after all turns: a profile slows what it looks at.
func (w *world) profileAll(stages []*stage) error {
	if err := os.MkdirAll(w.profile, 0o755); err != nil {
		return err
	}
	for _, st := range stages {
		if st.subject != stock && st.subject != gateway {
			continue
		}
		for kind, page := range map[string]string{"cpu": "profile", "allocs": "allocs"} {
			if err := w.takeProfile(st, kind, page); err != nil {
				return fmt.Errorf("%s: the %s profile: %w", st.subject, kind, err)
			}
		}
	}
	return nil
}

func (w *world) takeProfile(st *stage, kind, page string) error {
	loaded := make(chan error, 1)
	go func() {
		_, err := w.closedLoop(st, profiling+2*time.Second)
		loaded <- err
	}()
	text, err := st.ask(w.ctx, fmt.Sprintf("/debug/pprof/%s?seconds=%d", page, int(profiling.Seconds())))
	if err = errors.Join(err, <-loaded); err != nil {
		return err
	}
	name := "stock"
	if st.subject == gateway {
		name = "psagate"
	}
	path := filepath.Join(w.profile, fmt.Sprintf("%s-%s-%s.pprof", st.row.Name, name, kind))
	fmt.Printf("profile: go tool pprof -top %s\n", path)
	return os.WriteFile(path, text, 0o644)
}
