package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// ask gets a page of the subject's admin endpoint.
func (st *stage) ask(ctx context.Context, path string) ([]byte, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", st.admin)
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the admin endpoint answers %s to %s", answer.Status, path)
	}
	return text, err
}

// mallocs is how many allocations the subject has made, 0 where it does not say.
func (st *stage) mallocs(ctx context.Context) (float64, error) {
	if st.admin == "" {
		return 0, nil
	}
	text, err := st.ask(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	return parseMallocs(text)
}

func parseMallocs(text []byte) (float64, error) {
	_, after, found := bytes.Cut(text, []byte("\ngo_memstats_mallocs_total "))
	if !found {
		return 0, errors.New("the metrics show no go_memstats_mallocs_total")
	}
	line, _, _ := bytes.Cut(after, []byte("\n"))
	return strconv.ParseFloat(string(line), 64)
}
