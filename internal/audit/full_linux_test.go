package audit

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestAFullDeviceIsAnError(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := open(t, Config{Output: f, Required: true})
	defer w.giveUp()
	if err := w.Append(t.Context(), read("1")); !errors.Is(err, ErrNotWritten) || !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}
