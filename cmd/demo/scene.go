package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// scene is a chapter while it is played.
type scene struct {
	*world
	ctx     context.Context
	began   time.Time
	mark    int // the PSA's last sign-in before the chapter
	tally   *tally
	traffic *traffic
	crowd   *traffic        // the callers of a stampede
	permit  string          // the line of Cedar that a refused caller was told
	shown   []string        // what is to be shown below the next line
	before  map[string]bool // when something had failed that the console told of before the chapter
	seen    map[string]int  // what people saw, by what it is called
}

// errInterrupted is what ends a story before its end.
var errInterrupted = errors.New("interrupted before the end of the story")

// tell plays the chapters one after the other.
func tell(ctx context.Context, w *world, t *terminal, chapters []chapter) (findings []finding, err error) {
	for n, c := range chapters {
		t.chapter(n, c)
		s := &scene{world: w, ctx: ctx, began: time.Now(), mark: w.sim.Mark(), tally: &tally{chapter: n}, seen: map[string]int{}}
		if err := s.play(t, c.steps); err != nil {
			return findings, err
		}
		o := s.outcome()
		found := check(c, o)
		t.outcome(o, found)
		findings = append(findings, found...)
	}
	return findings, nil
}

func (s *scene) play(t *terminal, steps []step) error {
	for _, st := range steps {
		var err error
		s.during(t, func() {
			select {
			case <-s.ctx.Done():
			case <-time.After(st.after):
				err = st.do(s)
			}
		})
		switch {
		case s.ctx.Err() != nil:
			return errInterrupted
		case err != nil:
			return fmt.Errorf("%s: %w", st.says, err)
		}
		t.row(time.Since(s.began), st.says, s.counts())
		t.shown(s.shown)
		s.shown = nil
	}
	return nil
}

// during shows the counts while something is going on.
func (s *scene) during(t *terminal, something func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		something()
	}()
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticks.C:
			t.live(time.Since(s.began), s.counts())
		}
	}
}

func (s *scene) counts() counts {
	c := s.tally.now()
	c.failed = len(s.sim.Ledger().Since(s.mark).Failed())
	return c
}

func (s *scene) outcome() outcome {
	o := outcome{calls: s.tally.calls, ledger: s.sim.Ledger().Since(s.mark), stored: map[string]int{}, seen: s.seen}
	for _, ticket := range s.tenant.Records("Tickets") {
		if title, ok := ticket["title"].(string); ok {
			o.stored[title]++
		}
	}
	return o
}
