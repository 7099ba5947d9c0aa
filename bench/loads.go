package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed load.lua
var loadScript []byte

// writeLoads writes the files that the loops read.
func (w *world) writeLoads() error {
	err := os.WriteFile(filepath.Join(w.dir, "load.lua"), loadScript, 0o600)
	for _, c := range []*call{page, post} {
		err = errors.Join(err, writeBody(w.body(c), c.Body))
	}
	for _, c := range []*call{soapQuery, soapText, soapFile} {
		err = errors.Join(err, writeEnvelope(w.body(c), c))
	}
	return err
}

// closedResult is what a closed loop did.
type closedResult struct {
	calls int
	took  time.Duration
	cpu   time.Duration // of the loop itself
}

func (c closedResult) rate() float64 { return float64(c.calls) / c.took.Seconds() }

// closedLoop calls the subject as fast as it answers.
func (w *world) closedLoop(st *stage, length time.Duration) (closedResult, error) {
	c := st.row.Call
	cmd := exec.CommandContext(w.ctx, "wrk", "-t", strconv.Itoa(c.threads), "-c", strconv.Itoa(st.row.Callers), "-d", fmt.Sprintf("%ds", int(length.Seconds())),
		"--timeout", "10s", "-s", filepath.Join(w.dir, "load.lua"), "http://"+st.address, "--", c.Method, c.Path, st.callers, w.body(c), c.Operation)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return closedResult{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	result, err := parseWrk(out)
	result.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return result, err
}

// parseWrk reads the line that load.lua prints. A call that failed is an error.
func parseWrk(out []byte) (closedResult, error) {
	var calls, microseconds, connect, read, write, status, timeout int
	at := max(0, bytes.Index(out, []byte("bench calls=")))
	if _, err := fmt.Sscanf(string(out[at:]), "bench calls=%d microseconds=%d connect=%d read=%d write=%d status=%d timeout=%d",
		&calls, &microseconds, &connect, &read, &write, &status, &timeout); err != nil {
		return closedResult{}, fmt.Errorf("wrk printed what cannot be read (%w): %s", err, out)
	}
	if connect+read+write+status+timeout > 0 || calls == 0 || microseconds == 0 {
		return closedResult{}, fmt.Errorf("calls failed: of %d calls %d were answered with an error; connecting %d, writing %d, reading %d, too late %d", calls, status, connect, write, read, timeout)
	}
	return closedResult{calls: calls, took: time.Duration(microseconds) * time.Microsecond}, nil
}

// openResult is what pace prints. Times are in milliseconds.
type openResult struct {
	Calls  int     `json:"calls"`
	Failed int     `json:"failed"`
	Error  string  `json:"error"`
	P50    float64 `json:"p50"`
	P99    float64 `json:"p99"`
	Late99 float64 `json:"late99"`
}

// openLoop calls the subject at a rate.
func (w *world) openLoop(st *stage, rate float64, length time.Duration) (openResult, error) {
	c := st.row.Call
	out, err := exec.CommandContext(w.ctx, w.helper("pace"), "-address", st.address, "-method", c.Method, "-path", c.Path, "-callers", st.callers,
		"-body", w.body(c), "-operation", c.Operation, "-rate", fmt.Sprint(rate), "-for", length.String()).Output()
	if err != nil {
		return openResult{}, fmt.Errorf("pace: %w%s", err, stderr(err))
	}
	return parsePace(out)
}

// parsePace reads what pace prints. A call that failed is an error.
func parsePace(out []byte) (openResult, error) {
	var r openResult
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("pace printed what cannot be read (%w): %s", err, out)
	}
	if r.Failed > 0 || r.Calls == 0 {
		return r, fmt.Errorf("calls failed: %d, beside %d that were measured, the first with: %s", r.Failed, r.Calls, r.Error)
	}
	return r, nil
}

// stderr is what a command that failed printed there.
func stderr(err error) string {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return ": " + string(exit.Stderr)
	}
	return ""
}
