package audit

import (
	"errors"
	"io"
	"testing"
)

func TestALogBecomesRequiredAndIsNotAnyMore(t *testing.T) {
	d := &disk{}
	w := open(t, Config{Output: d})
	d.set(func(d *disk) { d.write = full })
	if p, err := w.Begin(t.Context(), read("1")); err != nil || p.of != 0 {
		t.Errorf("a log that is not required had a call wait: %v", err)
	}
	if err := w.Require(true); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Begin(t.Context(), read("2")); !errors.Is(err, ErrNotWritten) {
		t.Errorf("a call may be made that is not on disk: %v", err)
	}
	if err := w.Require(false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Begin(t.Context(), read("3")); err != nil {
		t.Error(err)
	}
	d.set(func(d *disk) { d.write = nil })
}

func TestALogThatCannotBePutOnDiskIsNotRequired(t *testing.T) {
	w := open(t, Config{Output: struct{ io.Writer }{io.Discard}})
	if w.Require(true) == nil {
		t.Error("it is")
	}
	if err := w.Append(t.Context(), read("1")); err != nil {
		t.Error(err)
	}
}
