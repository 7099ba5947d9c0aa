package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// witness remembers, outside the store, how far the store had come: which one it was, and its tick, which counts beats, and how
// often a process came, went, or became the only one. A store that shows less was restored, or lost, and has forgotten what it
// recorded since.
type witness struct {
	path  string
	Store string `json:"store"`
	Tick  int64  `json:"tick"`
	// Timeline is the database's. Since a standby took over it is another one, which may have less than a tick less.
	Timeline string `json:"timeline,omitempty"`
	// other: what is known is of a store in another place.
	other bool
}

// placeName names files that belong to one place.
func placeName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}

// openWitness reads what is remembered of the store with that name.
func openWitness(dir, name string) (*witness, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder for what is known of the store: %w", err)
	}
	w := &witness{path: filepath.Join(dir, "witness-"+placeName(name)+".json")}
	text, err := os.ReadFile(w.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		others, err := filepath.Glob(filepath.Join(dir, "witness-*.json"))
		w.other = len(others) > 0
		return w, err
	case err != nil:
		return nil, fmt.Errorf("what is known of the store: %w", err)
	}
	if json.Unmarshal(text, w) != nil { // cut off by a loss of power
		w.other = true
	}
	return w, nil
}

// doubts reports whether the store has forgotten something, or is another one.
func (w *witness) doubts(now whole) bool {
	if w.Store == "" {
		return w.other
	}
	return w.Store != now.id || now.tick <= w.Tick || w.Timeline != "" && now.timeline != "" && now.timeline != w.Timeline
}

// saw remembers how far the store has come, once that is committed.
func (w *witness) saw(now whole) error {
	w.Store, w.Tick, w.other = now.id, now.tick, false
	if now.timeline != "" {
		w.Timeline = now.timeline
	}
	return w.write()
}

// distrust has the witness doubt the store, however far it seems to have come, until a process has joined it.
func (w *witness) distrust() error {
	w.Tick, w.other = math.MaxInt64, true
	return w.write()
}

func (w *witness) write() error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(w.path), "witness-*.new")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), w.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
