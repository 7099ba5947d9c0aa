// Package realparts is for tests that need a real part: a Vault, curl, a client from npm, root. Nothing but it may leave a
// test out.
package realparts

import (
	"fmt"
	"os"
	"testing"
)

// Demanded is the environment variable that demands the real parts where it is 1, as ./scripts/test sets it.
const Demanded = "PSAGATE_REAL_PARTS"

// LeftOut ends a test that lacks a part. Where the real parts are demanded it fails; else the test is left out, and says with
// -v what that was.
func LeftOut(t testing.TB, what string, args ...any) {
	t.Helper()
	text := "left out: " + fmt.Sprintf(what, args...)
	if os.Getenv(Demanded) == "1" {
		t.Fatal(text)
	}
	t.Skip(text)
}
