package audit

import (
	"io"
	"slices"
	"time"
)

// print writes the lines that were composed, and puts them on disk where that is due, or where somebody waits for it.
func (p *press) print(items []item, lost uint64) error {
	waited := slices.ContainsFunc(items, func(i item) bool { return i.done != nil })
	defer p.w.watch()()
	n, err := p.write()
	if err != nil && waited {
		return err // none of the lines counts: that is what those who wait are told
	}
	whole := p.took(n)
	if err == nil && (waited || p.closed || p.syncIsDue()) {
		if err = p.sync(); err != nil {
			p.written, whole = p.synced, 0
		}
	}
	if lost > 0 && whole >= p.notes && whole > 0 {
		p.w.told(lost)
	}
	if err == nil {
		p.succeed(items)
	}
	return err
}

func (p *press) write() (n int, err error) {
	if len(p.buf) == 0 {
		return 0, nil
	}
	n, err = p.w.config.Output.Write(p.buf)
	if err == nil && n < len(p.buf) {
		err = io.ErrShortWrite
	}
	return n, err
}

// took notes that the output took n bytes, and returns how many lines are whole in them: those are written.
func (p *press) took(n int) (whole int) {
	for whole < len(p.ends) && p.ends[whole] <= n {
		whole++
	}
	if whole == 0 {
		return 0
	}
	p.written = p.first + uint64(whole) - 1
	if p.syncBy.IsZero() {
		p.syncBy = time.Now().Add(p.w.config.AnchorEvery)
	}
	return whole
}

func (p *press) syncIsDue() bool {
	return p.written > p.synced &&
		(p.synced == 0 || p.written-p.synced >= uint64(p.w.config.AnchorLines) || !time.Now().Before(p.syncBy))
}

func (p *press) sync() error {
	if s, ok := p.w.config.Output.(Syncer); ok {
		if err := s.Sync(); err != nil {
			return err
		}
	}
	p.synced, p.syncBy = p.written, time.Time{}
	h := Head{
		Chain: p.sealer.chain, Host: p.w.config.Host, Key: p.sealer.key, Seq: p.sealer.seq, MAC: string(p.sealer.last[:]),
		At: p.w.config.Now(), Closed: p.closed,
	}
	p.w.reached(h)
	p.w.anchor.offer(h)
	return nil
}
