package audit

import (
	"slices"
	"time"
)

// What the press and the callers hand each other, under the Writer's lock.

// next takes what waits out of the queue, and how many entries were lost before it.
func (w *Writer) next(spare []item) (items []item, lost uint64, closing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	items, w.queue, w.size, w.urgent = w.queue, spare[:0], 0, false
	return items, w.lost, w.closing
}

// hurry reports whether what waits is to be written without waiting for more, and waited whether that is for somebody's sake.
func (w *Writer) hurry() (hurry, waited bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hurried(), w.urgent || w.closing
}

// putBack puts items before those that came since.
func (w *Writer) putBack(items []item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = slices.Concat(items, w.queue)
	for _, i := range items {
		w.size += i.size
	}
}

// told notes that a line tells of so many lost entries.
func (w *Writer) told(lost uint64) {
	w.mu.Lock()
	w.lost -= lost
	w.mu.Unlock()
	w.config.Told(Trouble{What: EntriesLost, Lost: lost})
}

// reached notes how far the chain is on disk.
func (w *Writer) reached(h Head) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.head = h
}

// failed notes that nothing can be written, and fine that it can.
func (w *Writer) failed(err error) {
	w.mu.Lock()
	first := w.trouble == nil
	w.trouble = err
	w.mu.Unlock()
	if first {
		w.config.Told(Trouble{What: WriteFailed, Err: err})
	}
}

// watch is called before something is written, and what it returns when that is over: where it takes long, nothing can be written.
func (w *Writer) watch() (over func()) {
	done := false // guarded by mu
	timer := time.AfterFunc(hangsAfter, func() {
		w.mu.Lock()
		first := !done && w.trouble == nil
		if first {
			w.trouble = errHangs
		}
		w.mu.Unlock()
		if first {
			w.config.Told(Trouble{What: WriteFailed, Err: errHangs})
		}
	})
	return func() {
		timer.Stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		done = true
	}
}

func (w *Writer) fine() {
	w.mu.Lock()
	again := w.trouble != nil
	w.trouble = nil
	w.mu.Unlock()
	if again {
		w.config.Told(Trouble{What: Written})
	}
}

// leave notes entries that are lost as the Writer ends, and tells of all that no line tells of.
func (w *Writer) leave(n int) {
	w.mu.Lock()
	w.lose(n)
	lost, err := w.lost, w.trouble
	w.mu.Unlock()
	if lost > 0 {
		w.config.Told(Trouble{What: EntriesLost, Err: err, Lost: lost})
	}
}
