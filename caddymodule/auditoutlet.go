package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/logging"

	"github.com/psagate/psagate/internal/audit"
)

// outlet is what an audit log writes to. Its settings can be changed between two lines. An output that hangs holds up its writer
// alone: neither a load nor the end of the process waits for it without an end.
type outlet struct {
	turn chan struct{} // who uses the output holds it

	mu       sync.Mutex
	to       io.WriteCloser // nil: closed
	settings string

	with output      // of what is open; who has the turn uses it
	file os.FileInfo // what is written to, as it was after the last write; nil: no file
}

// syncer is what can be put on disk.
type syncer interface{ Sync() error }

// outletPatience is how long a load, and the end of the log, wait for a write that is under way.
const outletPatience = 5 * time.Second

var (
	errNoDisk = errors.New("what is written here cannot be put on disk")
	errHangs  = errors.New("it takes nothing: a write to it hangs")
)

func openOutlet(o output) (*outlet, error) {
	to, err := o.open()
	if err != nil {
		return nil, err
	}
	return &outlet{turn: make(chan struct{}, 1), to: to, settings: o.settings, with: o, file: o.stat()}, nil
}

// now is what is open, with its settings.
func (o *outlet) now() (to io.WriteCloser, settings string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to, o.settings
}

// shut has nothing open any more, and returns what was.
func (o *outlet) shut() (before io.WriteCloser) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, o.to = o.to, nil
	return before
}

// take waits for a turn, and reports whether it came.
func (o *outlet) take() bool {
	timer := time.NewTimer(outletPatience)
	defer timer.Stop()
	select {
	case o.turn <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (o *outlet) leave() { <-o.turn }

// syncs reports whether what is written can be put on disk.
func (o *outlet) syncs() bool {
	to, _ := o.now()
	_, ok := to.(syncer)
	return ok
}

// asOutput is what the audit log gets: an audit.Syncer where it can be one.
func (o *outlet) asOutput() io.Writer {
	if o.syncs() {
		return diskOutlet{o}
	}
	return o
}

// Write implements io.Writer.
func (o *outlet) Write(p []byte) (int, error) {
	o.turn <- struct{}{}
	defer o.leave()
	to, _ := o.now()
	if to == nil {
		return 0, os.ErrClosed
	}
	if o.isGone() {
		slog.New(currentLog{}).Error("somebody moved or removed the audit log's file: it is begun anew", "output", o.with.String())
		if err := o.reopen(o.with); err != nil {
			return 0, err
		}
		noteEvent(audit.Entry{Event: eventLogTakenAway, CallerKind: audit.Own})
		if to, _ = o.now(); to == nil {
			return 0, os.ErrClosed
		}
	}
	defer func() { o.file = o.with.stat() }()
	return to.Write(p)
}

// isGone reports whether the file is no longer where it was: what is written to it would be nowhere, or where nobody looks. An
// output that rotates its files does so in a Write; one that does it between two is only opened once more.
func (o *outlet) isGone() bool {
	if o.file == nil {
		return false
	}
	now := o.with.stat()
	return now == nil || !now.Mode().IsRegular() || !os.SameFile(o.file, now) // a number may be used again
}

// reopen goes on with an output. What was written to the one before is on disk then, if that can be.
func (o *outlet) reopen(with output) error {
	to, err := with.open()
	if err != nil {
		return err
	}
	o.mu.Lock()
	before := o.to
	if before != nil { // nobody has closed it meanwhile
		o.to, o.settings = to, with.settings
	}
	o.mu.Unlock()
	if before == nil {
		return to.Close()
	}
	o.with, o.file = with, with.stat()
	if s, ok := before.(syncer); ok {
		err = s.Sync()
	}
	return errors.Join(err, before.Close())
}

// open opens the output. What has a file's name must be a file: opening a pipe waits until somebody reads from it, for as long as
// that takes, and nothing of it can be put on disk or checked afterwards.
func (o output) open() (io.WriteCloser, error) {
	if is := o.stat(); is != nil && !is.Mode().IsRegular() {
		return nil, fmt.Errorf("it is %s and no file: name another one, or take output net, or output stdout", what(is.Mode()))
	}
	return o.OpenWriter()
}

// what says what something is that is no file.
func what(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// stat finds the file that the output writes to; nil: it has none.
func (o output) stat() os.FileInfo {
	f, ok := o.WriterOpener.(*logging.FileWriter)
	if !ok {
		return nil
	}
	info, err := os.Stat(f.Filename)
	if err != nil {
		return nil
	}
	return info
}

// renew goes on with other settings. What was written with the ones before is on disk then.
func (o *outlet) renew(with output) error {
	if to, settings := o.now(); to == nil || settings == with.settings {
		return nil
	}
	if !o.take() {
		return errHangs
	}
	defer o.leave()
	return o.reopen(with)
}

// Close implements io.Closer.
func (o *outlet) Close() error {
	to := o.shut()
	switch {
	case to == nil:
		return nil
	case !o.take():
		go to.Close() // which ends the write, or hangs too
		return errHangs
	}
	defer o.leave()
	return to.Close()
}

// diskOutlet is an outlet whose lines can be put on disk.
type diskOutlet struct{ *outlet }

// Sync implements audit.Syncer.
func (d diskOutlet) Sync() error {
	d.turn <- struct{}{}
	defer d.leave()
	to, _ := d.now()
	if to == nil {
		return os.ErrClosed
	}
	if s, ok := to.(syncer); ok {
		return s.Sync()
	}
	return errNoDisk
}
