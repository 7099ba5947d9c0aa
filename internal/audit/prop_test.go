package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var errNoSpace = errors.New("no space left on device")

// history is a log that was written as it may happen: by several processes, one after the other or at once, by many callers, on a
// disk that fails, with crashes.
type history struct {
	t       *rapid.T
	disk    *disk
	anchors *Memory
	breaks  []int // where a file may end: between two Writes
	mu      sync.Mutex
	taken   []string // ids of entries whose Append succeeded where that is a promise
	n       int
	forgets int // of a hundred syncs, how many fail
	spoilt  int // how many did
}

func newHistory(t *rapid.T) *history {
	h := &history{t: t, disk: &disk{}, anchors: &Memory{}}
	seed := rapid.Uint64().Draw(t, "seed of the disk")
	trouble := rapid.SampledFrom([]int{0, 0, 5, 30}).Draw(t, "writes of a hundred that fail")
	h.forgets = rapid.SampledFrom([]int{0, 0, 10}).Draw(t, "syncs of a hundred that fail")
	luck := rand.New(rand.NewPCG(seed, 1))
	h.disk.write = func(p []byte) (int, error) {
		h.breaks = append(h.breaks, len(h.disk.data))
		if luck.IntN(100) < trouble {
			return luck.IntN(len(p) + 1), errNoSpace
		}
		return len(p), nil
	}
	h.disk.sync = func() error {
		if luck.IntN(100) >= h.forgets {
			return nil
		}
		// What was written since the last sync may be there, or end anywhere. All who have the file open are told once.
		h.spoilt++
		if lost := h.disk.data[h.disk.synced:]; len(lost) > 0 && luck.IntN(2) == 0 {
			clear(lost[luck.IntN(len(lost)):])
		}
		return errNoSpace
	}
	return h
}

// live writes with a few processes.
func (h *history) live() {
	for range rapid.IntRange(1, 3).Draw(h.t, "generations") {
		var all sync.WaitGroup
		var processes []func()
		for range rapid.IntRange(1, 2).Draw(h.t, "processes at once") {
			processes = append(processes, h.process())
		}
		for _, p := range processes {
			all.Go(p)
		}
		all.Wait()
	}
}

// process returns what a process does.
func (h *history) process() func() {
	c := Config{
		Key: keyNow, Host: "gate-1", Process: fmt.Sprint("p", h.n),
		Required: rapid.Bool().Draw(h.t, "required"), AnchorLines: rapid.IntRange(1, 20).Draw(h.t, "anchor lines"),
		Queue: rapid.SampledFrom([]int{4, 100}).Draw(h.t, "queue"),
	}
	if list, _ := h.anchors.Heads(context.Background()); len(list) > 0 && h.disk.text() != "" {
		last, _ := LastOf(list, "gate-1")
		c.Former = &last
	}
	callers, lines := rapid.IntRange(1, 3).Draw(h.t, "callers"), rapid.IntRange(0, 12).Draw(h.t, "lines")
	pause := time.Duration(rapid.IntRange(0, 3).Draw(h.t, "pause")) * 15 * time.Millisecond
	// A process that is killed before its disk tells it what it forgot can explain nothing: then lines are missing indeed.
	crash := rapid.IntRange(0, 3).Draw(h.t, "crash") == 0 && h.forgets == 0
	torn := rapid.IntRange(0, 600).Draw(h.t, "bytes of the last write")
	o := &outlet{history: h, disk: h.disk, anchors: h.anchors}
	c.Output, c.Anchors = o, o
	promised := c.Required || !crash && h.forgets == 0
	return func() {
		o.told = o.spoilt()
		w, err := New(c)
		if err != nil {
			h.t.Fatal(err)
		}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { h.call(w, lines, pause, promised) })
		}
		all.Wait()
		if crash {
			o.kill(torn)
		}
		h.close(w)
	}
}

// outlet is the way of one process to the disk and to the store. Once the process is killed there is none.
type outlet struct {
	history *history
	told    int // of how many syncs that failed it was told
	disk    *disk
	anchors Anchors
	mu      sync.Mutex
	dead    bool
	torn    int // how many bytes of the last Write arrive
}

func (o *outlet) kill(torn int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead, o.torn = true, torn
}

func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dead {
		return o.disk.Write(p)
	}
	if o.torn > 0 {
		_, _ = o.disk.Write(p[:min(o.torn, len(p))])
		o.torn = 0
	}
	return len(p), nil
}

func (o *outlet) Sync() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return nil
	}
	err := o.disk.Sync()
	if err == nil && o.told < o.spoilt() {
		err = errNoSpace
	}
	o.told = o.spoilt()
	return err
}

func (o *outlet) spoilt() (n int) {
	o.disk.set(func(*disk) { n = o.history.spoilt })
	return n
}

func (o *outlet) Put(ctx context.Context, h Head) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return nil
	}
	o.disk.set(func(d *disk) {
		if !bytes.Contains(d.data[:d.synced], []byte(h.MAC)) {
			o.history.t.Errorf("line %d of %s is anchored, and not on disk", h.Seq, h.Chain)
		}
	})
	return o.anchors.Put(ctx, h)
}

func (o *outlet) Heads(ctx context.Context) ([]Head, error) { return o.anchors.Heads(ctx) }

func (h *history) close(w *Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) call(w *Writer, lines int, pause time.Duration, promised bool) {
	for range lines {
		h.mu.Lock()
		h.n++
		id := fmt.Sprint(h.n)
		h.mu.Unlock()
		if err := w.Append(context.Background(), read(id)); err == nil && promised {
			h.mu.Lock()
			h.taken = append(h.taken, id)
			h.mu.Unlock()
		}
		time.Sleep(pause)
	}
}

// files cuts a log into files as rotation does, compresses some, and returns them in any order.
func files(t *rapid.T, text []byte, breaks []int) (all []File) {
	at := 0
	for _, end := range append(slices.Clone(breaks), len(text)) {
		if end < at || end < len(text) && rapid.IntRange(0, 3).Draw(t, "rotated") > 0 {
			continue
		}
		name := fmt.Sprintf("audit-%03d.log", len(all))
		part := bytes.Clone(text[at:end])
		if rapid.Bool().Draw(t, "compressed") {
			var z bytes.Buffer
			g := gzip.NewWriter(&z)
			_, _ = g.Write(part)
			_ = g.Close()
			name, part = name+".gz", z.Bytes()
		}
		all = append(all, File{name, bytes.NewReader(part)})
		at = end
	}
	return rapid.Permutation(all).Draw(t, "order")
}

// check verifies a log that is complete.
func (h *history) check(text []byte, breaks []int) Report {
	list, _ := h.anchors.Heads(context.Background())
	r, err := Verify(VerifyConfig{Keys: []Key{keyBefore, keyNow}, Heads: list, Complete: true}, files(h.t, text, breaks)...)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// inBubble runs a property with a clock that goes as fast as it can.
func inBubble(t *testing.T, property func(*rapid.T)) {
	rapid.Check(t, func(rt *rapid.T) {
		var stopped any
		synctest.Test(t, func(*testing.T) {
			defer func() { stopped = recover() }() // rapid stops a run with a panic
			property(rt)
		})
		if stopped != nil {
			panic(stopped)
		}
	})
}

func TestALogThatNobodyTouchedIsNeverBlamed(t *testing.T) {
	inBubble(t, func(rt *rapid.T) {
		h := newHistory(rt)
		h.live()
		r := h.check(h.disk.data, h.breaks)
		if !r.OK() {
			rt.Fatalf("%s\n%s", faults(r), sketch(h.disk.data))
		}
		h.checkEntries(r)
	})
}

// faults are the faults of a report, one a line.
func faults(r Report) (text string) {
	for _, f := range r.Findings {
		if f.Fault {
			text += f.String() + "\n"
		}
	}
	return text
}

// sketch is a log in few words.
func sketch(log []byte) string {
	var b strings.Builder
	for i, text := range bytes.Split(log, []byte("\n")) {
		l, before, ok := find(text)
		fmt.Fprintf(&b, "%d:", i+1)
		if len(before) > 0 {
			fmt.Fprintf(&b, " [%.40q… %d bytes, %d zeros]", before, len(before), bytes.Count(before, []byte{0}))
		}
		if ok {
			fmt.Fprintf(&b, " %s/%d", l.chain[:4], l.seq)
		}
		if l.kind == kindChain {
			n, _ := l.note()
			fmt.Fprintf(&b, " %s %d-%d %d", n.Word, n.From, n.To, n.Count)
		}
		if ok && newCoder(keyNow).of(l.signed) != l.code {
			fmt.Fprintf(&b, " changed: %s", text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// checkEntries: each entry that Append took is there, and none twice unless it says so.
func (h *history) checkEntries(r Report) {
	there := map[string]int{}
	for e, err := range Entries(bytes.NewReader(h.disk.data)) {
		if err == nil && !e.Again {
			there[e.ID]++
		}
		if err == nil && e.Again {
			there[e.ID] = max(there[e.ID], 1)
		}
	}
	for id, n := range there {
		if n > 1 {
			h.t.Fatalf("entry %s is there %d times", id, n)
		}
	}
	for _, id := range h.taken {
		if there[id] == 0 {
			h.t.Fatalf("entry %s is not there:\n%s", id, sketch(h.disk.data))
		}
	}
}

// guarded are the lines that no change may be made to unseen: those that are anchored, and that no line calls unsure.
func (h *history) guarded(lines []string) (list []int) {
	heads := map[string]Head{}
	all, _ := h.anchors.Heads(context.Background())
	for _, head := range all {
		heads[head.Chain] = head
	}
	unsure := map[string][]gap{}
	for _, text := range lines {
		if l, ok := parse([]byte(text)); ok && l.kind == kindChain {
			n, _ := l.note()
			unsure[l.chain] = append(unsure[l.chain], gap{n.From, n.To})
		}
	}
	for i, text := range lines {
		l, ok := parse([]byte(text))
		in := func(g gap) bool { return g.from <= l.seq && l.seq <= g.to }
		if ok && l.seq <= heads[l.chain].Seq && !slices.ContainsFunc(unsure[l.chain], in) {
			list = append(list, i)
		}
	}
	return list
}

// tamper changes one thing in a log.
func (h *history) tamper(lines []string, guarded []int) (out []string, how string) {
	i := rapid.SampledFrom(guarded).Draw(h.t, "line")
	other := rapid.SampledFrom(guarded).Draw(h.t, "other line")
	lines = slices.Clone(lines)
	how = rapid.SampledFrom([]string{"change", "drop", "swap", "copy", "cut", "splice", "insert", "move"}).Draw(h.t, "how")
	switch how {
	case "change":
		b := []byte(lines[i] + "\n")
		at := rapid.IntRange(0, len(b)-1).Draw(h.t, "at")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(h.t, "by"))
		rest := strings.Join(lines[i+1:], "\n")
		return strings.Split(strings.Join(append(lines[:i:i], string(b)+rest), "\n"), "\n"), how
	case "drop":
		return slices.Delete(lines, i, i+1), how
	case "swap":
		lines[i], lines[other] = lines[other], lines[i]
	case "copy":
		return slices.Insert(lines, other, lines[i]), how
	case "cut":
		return lines[:i], how
	case "splice":
		return slices.Insert(lines, i, h.foreign()), how
	case "insert":
		return slices.Insert(lines, i, rapid.SampledFrom([]string{"x", `{"chain"=`, lines[i][1:], "{}"}).Draw(h.t, "text")), how
	case "move":
		line := lines[i]
		return slices.Insert(slices.Delete(lines, i, i+1), min(other, len(lines)-1), line), how
	}
	return lines, how
}

// foreign is a line of another process's log, which is anchored, and not among the files.
func (h *history) foreign() string {
	d := &disk{}
	w, err := New(Config{Output: d, Anchors: h.anchors, Key: keyNow, Host: "gate-2"})
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range 5 {
		_ = w.Append(context.Background(), read(fmt.Sprint(i)))
	}
	h.close(w)
	return d.lines()[rapid.IntRange(0, 6).Draw(h.t, "foreign line")]
}

// byChain are the lines of each chain, in their order.
func byChain(lines []string) map[string][]string {
	all := map[string][]string{}
	for _, text := range lines {
		if l, _, ok := find([]byte(text)); ok {
			all[l.chain] = append(all[l.chain], text)
		}
	}
	return all
}

func TestEachSingleTamperingIsFound(t *testing.T) {
	inBubble(t, func(rt *rapid.T) {
		h := newHistory(rt)
		h.live()
		lines := strings.Split(string(h.disk.data), "\n")
		guarded := h.guarded(lines)
		if len(guarded) == 0 {
			return
		}
		tampered, how := h.tamper(lines, guarded)
		text := strings.Join(tampered, "\n")
		if maps.EqualFunc(byChain(tampered), byChain(lines), slices.Equal) && how != "insert" && how != "change" {
			return // lines of different chains may change places
		}
		// Files end between lines, wherever that is now. They may be given in any order, so a line that is moved into a file of
		// its own is no change.
		var breaks []int
		for i, c := range text {
			if how != "move" && how != "swap" && c == '\n' && rapid.IntRange(0, 9).Draw(rt, "break") == 0 {
				breaks = append(breaks, i+1)
			}
		}
		if r := h.check([]byte(text), breaks); r.OK() {
			rt.Fatalf("%s is not found: %s\nbefore:\n%s\nafter:\n%s", how, faults(r), sketch(h.disk.data), sketch([]byte(text)))
		}
	})
}
