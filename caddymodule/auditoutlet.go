package caddymodule

import (
	"errors"
	"io"
	"os"
	"sync"
)

// outlet is what an audit log writes to. Its settings can be changed between two lines.
type outlet struct {
	mu       sync.Mutex
	to       io.WriteCloser // nil: closed
	settings string
}

// syncer is what can be put on disk.
type syncer interface{ Sync() error }

func openOutlet(o output) (*outlet, error) {
	to, err := o.OpenWriter()
	if err != nil {
		return nil, err
	}
	return &outlet{to: to, settings: o.settings}, nil
}

// syncs reports whether what is written can be put on disk.
func (o *outlet) syncs() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.to.(syncer)
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
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		return 0, os.ErrClosed
	}
	return o.to.Write(p)
}

// renew goes on with other settings. What was written with the ones before is on disk then.
func (o *outlet) renew(with output) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil || o.settings == with.settings {
		return nil
	}
	to, err := with.OpenWriter()
	if err != nil {
		return err
	}
	before := o.to
	o.to, o.settings = to, with.settings
	if s, ok := before.(syncer); ok {
		err = s.Sync()
	}
	return errors.Join(err, before.Close())
}

// Close implements io.Closer.
func (o *outlet) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		return nil
	}
	to := o.to
	o.to = nil
	return to.Close()
}

// diskOutlet is an outlet whose lines can be put on disk.
type diskOutlet struct{ *outlet }

var errNoDisk = errors.New("what is written here cannot be put on disk")

// Sync implements audit.Syncer.
func (d diskOutlet) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.to == nil {
		return os.ErrClosed
	}
	if s, ok := d.to.(syncer); ok {
		return s.Sync()
	}
	return errNoDisk
}
