package audit

import (
	"errors"
	"io"
	"time"
)

// Syncer is an output that can be told to put on disk what was written, as *os.File is.
type Syncer interface{ Sync() error }

// Config is how a Writer writes.
type Config struct {
	// Output takes lines: whole ones, up to 512 KiB in one Write, by one caller at a time. If it is a Syncer, it is synced
	// before anything is promised. One that rotates files does so before a Write, never within one, nor between one and its
	// Sync; it syncs a file that it leaves; and once it is closed its Sync is an error. Where it does not, what was promised to
	// be on disk is only with the operating system: a process that is killed loses nothing of it, a power failure may.
	Output io.Writer
	// Required: Append and Begin return only once the line is on disk. Output must be a Syncer.
	Required bool
	// Key chains the lines.
	Key Key
	// Host names the replica for as long as its files live; Process names this process. Both are bounded by MaxName.
	Host, Process string
	// Former is the head of the host's chain before, where it is known: see LastOf.
	Former *Head
	// Anchors take the chain's heads; nil: nobody does.
	Anchors Anchors
	// AnchorLines and AnchorEvery are how many lines, and how much time, may pass between a line and an anchor beyond it.
	// Defaults: 1000 and 1s.
	AnchorLines int
	AnchorEvery time.Duration
	// Queue is how many lines may wait, of at most 32 MiB together. Default: 8192.
	Queue int
	// Told is told of trouble and of its end. It must be quick, and must not call the Writer. nil: nobody is.
	Told func(Trouble)
	// Now is the wall clock. Default: time.Now.
	Now func() time.Time
}

// The defaults of a Config, and what is the same for all.
const (
	DefaultAnchorLines = 1000
	DefaultAnchorEvery = time.Second
	DefaultQueue       = 8192

	// gather is how long a line that nobody waits for may wait for others, so that they are written at once.
	gather = 20 * time.Millisecond
	// maxBatch is how many bytes are gathered for one Write, the last line apart.
	maxBatch = 256 << 10
	// The first and the longest pause after a Write that failed.
	firstPause, longestPause = 50 * time.Millisecond, 5 * time.Second
	// maxWaiting is how many bytes may wait.
	maxWaiting = 32 << 20
	// hangsAfter is how long a Write and its Sync may take before it is told that they hang.
	hangsAfter = 2 * time.Second
	// putTime is how long the anchors may take.
	putTime = 5 * time.Second
)

func (c Config) check() error {
	if c.Output == nil {
		return errors.New("the audit log has no output")
	}
	if _, ok := c.Output.(Syncer); c.Required && !ok {
		return errors.New("the audit log is required, but its output cannot be put on disk: give it a file")
	}
	return c.Key.check()
}

func (c Config) withDefaults() Config {
	c.AnchorLines = max(c.AnchorLines, 0)
	if c.AnchorLines == 0 {
		c.AnchorLines = DefaultAnchorLines
	}
	if c.AnchorEvery <= 0 {
		c.AnchorEvery = DefaultAnchorEvery
	}
	if c.Queue <= 0 {
		c.Queue = DefaultQueue
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Told == nil {
		c.Told = func(Trouble) {}
	}
	for _, name := range []*string{&c.Host, &c.Process} {
		if len(*name) > MaxName {
			*name = cut(*name, MaxName)
		}
	}
	return c
}
