package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/psagate/psagate/internal/audit"
)

// A call whose intent is on disk before it is made, and what a Verifier says when somebody has changed its outcome.
func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "audit")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "audit.log")
	file, _ := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	defer file.Close()

	key, anchors := audit.Key{ID: "1a2b3c4d", Secret: bytes.Repeat([]byte("k"), 32)}, &audit.Memory{}
	w, err := audit.New(audit.Config{Output: file, Required: true, Key: key, Host: "gate-1", Anchors: anchors})
	if err != nil {
		fmt.Println(err)
		return
	}
	call, err := w.Begin(ctx, audit.Entry{
		CallerKind: audit.Integration, Caller: "itglue", Action: "read", Entity: "Tickets", ID: "7", Decision: audit.Permit,
	})
	if err != nil {
		fmt.Println("the call must not be made:", err)
		return
	}
	call.End(audit.Result{DecidedBy: audit.ByPSA, Status: 404, Duration: 80 * time.Millisecond})
	if err := w.Close(ctx); err != nil {
		fmt.Println(err)
	}

	text, _ := os.ReadFile(path)
	heads, _ := anchors.Heads(ctx)
	for _, text := range [][]byte{text, bytes.Replace(text, []byte(`"status":404`), []byte(`"status":200`), 1)} {
		r, _ := audit.Verify(audit.VerifyConfig{Keys: []audit.Key{key}, Heads: heads}, audit.File{Name: "audit.log", Reader: bytes.NewReader(text)})
		fmt.Println(r.OK(), r.Lines)
		for _, f := range r.Findings {
			fmt.Printf("%s:%d %s: %s\n", f.File, f.Line, f.Kind, f.Means)
		}
	}
	// Output:
	// true 4
	// false 3
	// audit.log:4 changed: somebody changed the line, or the disk damaged it: what it says proves nothing
}
