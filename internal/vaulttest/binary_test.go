package vaulttest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// listener is a test that notes how it was ended.
type listener struct {
	testing.TB
	skipped, failed string
}

func (l *listener) Helper()           {}
func (l *listener) Skip(args ...any)  { l.skipped = fmt.Sprint(args...); runtime.Goexit() }
func (l *listener) Fatal(args ...any) { l.failed = fmt.Sprint(args...); runtime.Goexit() }

// ends waits until do has ended, as the testing package does.
func (l *listener) ends(do func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		do()
	}()
	<-over
}

func TestATestWithoutTheBinary(t *testing.T) {
	t.Setenv("PSAGATE_VAULT", "")
	for name, c := range map[string]struct{ demanded, skipped, failed string }{
		"says what it leaves out":                 {"", "left out: psagate against a real Vault", ""},
		"fails where the real parts are demanded": {"1", "", "./scripts/test builds it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PSAGATE_REAL_PARTS", c.demanded)
			var l listener
			l.ends(func() { binary(&l) })
			if !strings.Contains(l.skipped, c.skipped) || !strings.Contains(l.failed, c.failed) || (l.skipped == "") == (l.failed == "") {
				t.Errorf("it is skipped with %q, failed with %q", l.skipped, l.failed)
			}
		})
	}
}

func TestABinaryThatIsNoneSaysSo(t *testing.T) {
	for name, path := range map[string]string{
		"there is none":          "/nonexistent/vault",
		"it ends without a word": "/bin/false",
	} {
		t.Run(name, func(t *testing.T) {
			p := &process{binary: path}
			defer p.kill()
			if line, err := p.start(); err == nil {
				t.Errorf("it starts and says %q", line)
			}
		})
	}
}
