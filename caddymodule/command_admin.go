package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

// maxAnswer is the largest answer of the admin endpoint that is read, in bytes.
const maxAnswer = 64 << 20

// admin is the admin endpoint of a running server.
type admin struct{ address string }

// adminOf finds the admin endpoint as Caddy's own commands do.
func adminOf(cmd *cobra.Command) (admin, error) {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	address, err := caddycmd.DetermineAdminAPIAddress(flags.String("address"), nil, flags.String("config"), flags.String("adapter"))
	if err != nil {
		return admin{}, fmt.Errorf("finding the admin endpoint: %w", err)
	}
	return admin{address}, nil
}

// get asks for a path below /psa/.
func (a admin) get(path string, into any) error { return a.request(http.MethodGet, path, nil, into) }

// lostAnswer is the error of a request that was sent, and whose answer did not come or could not be read.
type lostAnswer struct{ error }

// Unwrap returns what went wrong.
func (l lostAnswer) Unwrap() error { return l.error }

// sentBody is a body that knows whether any of it was sent.
type sentBody struct {
	io.Reader
	began atomic.Bool
}

// Read implements io.Reader.
func (s *sentBody) Read(p []byte) (int, error) {
	s.began.Store(true)
	return s.Reader.Read(p)
}

// post sends a value to a path below /psa/; nil is no body. Where a body was sent and no answer came its error is a lostAnswer.
func (a admin) post(path string, value, into any) error {
	if value == nil {
		return a.request(http.MethodPost, path, nil, into)
	}
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing the request to the admin endpoint: %w", err)
	}
	sent := &sentBody{Reader: bytes.NewReader(body)}
	err = a.request(http.MethodPost, path, sent, into)
	if refused := new(answeredError); err == nil || errors.As(err, refused) || !sent.began.Load() {
		return err
	}
	return lostAnswer{err}
}

func (a admin) request(method, path string, body io.Reader, into any) error {
	answer, err := caddycmd.AdminAPIRequest(a.address, method, "/psa/"+path, nil, body)
	if err != nil {
		return fmt.Errorf("asking the server at %s: %w%s", a.address, plainError(err), whereElse(err))
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("reading the answer of the server at %s: %w", a.address, err)
	}
	return nil
}

// whereElse says what to do where nobody was reached.
func whereElse(err error) string {
	if !strings.Contains(err.Error(), ": dial ") {
		return ""
	}
	return "; does psagate run, and is its admin endpoint there? --config or --address say where it is"
}

// answeredError is the error of a request that was answered with an error.
type answeredError struct{ text string }

// Error implements error.
func (e answeredError) Error() string { return e.text }

// plainError takes the sentence out of an error that quotes an answer of the admin endpoint.
func plainError(err error) error {
	_, quoted, found := strings.Cut(err.Error(), "caddy responded with error: HTTP ")
	if !found {
		return err
	}
	_, body, _ := strings.Cut(quoted, ": ")
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(body), &answer) != nil || answer.Error == "" {
		return answeredError{err.Error()}
	}
	return answeredError{answer.Error}
}

// show writes a report to the command's output: as JSON if that was asked for, else as text.
func show(cmd *cobra.Command, value any, text func(report.Printer)) error {
	out := cmd.OutOrStdout()
	if asJSON, _ := cmd.Flags().GetBool("json"); !asJSON {
		text(report.Printer{Out: out})
		return nil
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}
