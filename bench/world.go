package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// world is what all rows share: a folder and the upstream.
type world struct {
	settings
	ctx        context.Context
	dir        string
	server     *process // the upstream
	fast, slow string   // its addresses
}

func newWorld(ctx context.Context, s settings) (*world, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	w := &world{settings: s, ctx: ctx, dir: dir}
	if err := errors.Join(w.writeLoads(), w.startUpstream()); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

func (w *world) helper(name string) string { return filepath.Join(w.bin, name) }

func (w *world) upstream(r row) string {
	if r.Slow {
		return w.slow
	}
	return w.fast
}

// startUpstream starts the upstream, which prints its two addresses.
func (w *world) startUpstream() (err error) {
	if w.server, err = startProcess(w.ctx, w.dir, []string{w.helper("upstream"), "-delay", slow.String(), "-secret", psaSecret}); err != nil {
		return err
	}
	return w.until(w.server, func() error {
		text, err := os.ReadFile(w.server.log)
		lines := strings.Fields(string(text))
		if err == nil && len(lines) != 2 {
			return errors.New("the upstream has not said its addresses")
		}
		if err == nil {
			w.fast, w.slow = lines[0], lines[1]
		}
		return err
	})
}

// end stops the upstream. The folder goes, unless it is to be kept.
func (w *world) end() {
	if w.server != nil {
		w.server.stop()
	}
	if w.keep {
		fmt.Println("\nconfigs and logs:", w.dir)
		return
	}
	_ = os.RemoveAll(w.dir)
}

// until asks again and again, for a minute at most, until there is no error.
func (w *world) until(p *process, ask func() error) error {
	tooLate := time.After(time.Minute)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-p.ended:
			return fmt.Errorf("the server has ended: %s", p.said())
		case <-tooLate:
			return fmt.Errorf("%w; the server said: %s", err, p.said())
		case <-w.ctx.Done():
			return w.ctx.Err()
		}
	}
}

// warm calls once as each caller, so that each login has signed in.
func (w *world) warm(st *stage, callers []integration) error {
	p := st.server
	if p == nil {
		p = w.server
	}
	for _, c := range callers {
		if err := w.until(p, func() error { return callOnce(w.ctx, st.address, c) }); err != nil {
			return err
		}
	}
	return nil
}

func callOnce(ctx context.Context, address string, c integration) error {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+get.Path, nil)
	if err != nil {
		return err
	}
	r.Header = http.Header{"UserName": {c.name}, "Secret": {c.key}, "ApiIntegrationCode": {psaCode}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || len(text) != 1<<10) {
		err = fmt.Errorf("a call is answered %s %s: %.200q", answer.Status, answer.Header.Get("Psagate-Reason"), text)
	}
	return err
}

// body is the file with a call's body, empty where it has none.
func (w *world) body(c *call) string {
	if c.Body == 0 {
		return ""
	}
	return filepath.Join(w.dir, fmt.Sprintf("body-%d%s", c.Body, c.Operation))
}

// writeBody writes an attachment's JSON of a size, or what is sent with a query. Its data is as random as base64 is.
func writeBody(path string, size int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	const head, tail = `{"filter":[],"data":"`, `"}`
	_, _ = out.WriteString(head)
	writeBase64(out, size-len(head)-len(tail))
	_, _ = out.WriteString(tail)
	return errors.Join(out.Flush(), file.Close())
}

// writeBase64 writes n letters, the same in each run.
func writeBase64(out io.ByteWriter, n int) {
	for state := uint64(1); n > 0; n-- {
		state = state*6364136223846793005 + 1442695040888963407
		_ = out.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[state>>58]) // a bufio.Writer keeps an error to its Flush
	}
}
