package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/psagate/psagate/internal/secret"
)

// content is the current version of a record as Vault has it now.
type content struct {
	version  version // its number is 0 where there is none
	readable bool    // not when there is none, or it was deleted or destroyed
	fields   map[string]json.RawMessage
}

// Write implements [secret.Writer]. What is no text, which a reading leaves out, is written again as Vault has it. The policy
// of the token must let it read the record, and update it or, where there is none, create it.
func (s *Source) Write(ctx context.Context, path string, over secret.Record, set map[string]secret.Value) (secret.Record, error) {
	if err := secret.CheckSet(set); err != nil {
		return secret.Record{}, err
	}
	at, err := s.place(path)
	if err != nil {
		return secret.Record{}, err
	}
	now, err := s.current(ctx, at)
	if err == nil {
		err = now.follows(at, over)
	}
	if err != nil {
		return secret.Record{}, err
	}
	w, err := newWriting(now, set)
	if err != nil {
		return secret.Record{}, fmt.Errorf("%w: %s: %w", secret.ErrReadOnly, at, err)
	}
	a, err := s.ask(ctx, request{method: http.MethodPost, path: at.data().escaped(), write: w})
	return s.written(ctx, at, now, w, a, err)
}

// CanWrite implements [secret.Permitter]: it asks for the capabilities of the token, where the token may ask.
func (s *Source) CanWrite(ctx context.Context, path string) error {
	at, err := s.place(path)
	if err != nil {
		return err
	}
	now, err := s.current(ctx, at)
	if err != nil {
		return err
	}
	a, err := s.ask(ctx, request{
		method: http.MethodPost, path: "sys/capabilities-self", body: map[string]string{"path": at.data().String()},
	})
	if err != nil || a.status != http.StatusOK {
		return err
	}
	given, _ := a.secret().Data["capabilities"].([]any)
	for _, one := range given {
		if one == now.needs() || one == "root" {
			return nil
		}
	}
	return s.unwritable(at, now)
}

// current reads a record whole.
func (s *Source) current(ctx context.Context, at place) (content, error) {
	a, err := s.get(ctx, at.data())
	switch {
	case err != nil:
		return content{}, err
	case a.status == http.StatusForbidden:
		return content{}, s.forbidden(at.data())
	case a.status == http.StatusNotFound:
		v, _ := parseVersion(a.secret().Data["metadata"])
		if err := s.notFound(ctx, at, a); !errors.Is(err, secret.ErrNotFound) {
			return content{}, err
		}
		return content{version: v}, nil
	case a.status != http.StatusOK:
		return content{}, a.unexpected("reading " + at.String())
	}
	if _, err := parseRecord(at, a); err != nil {
		return content{}, err
	}
	v, _ := parseVersion(a.secret().Data["metadata"])
	return content{version: v, readable: true, fields: rawFields(a)}, nil
}

// rawFields returns the fields of a record that was read, as they are written.
func rawFields(a answer) map[string]json.RawMessage {
	var said struct {
		Data struct {
			Data map[string]json.RawMessage `json:"data"`
		} `json:"data"`
	}
	_ = json.Unmarshal(a.body, &said) // it has been parsed before
	return said.Data.Data
}

// follows tells whether it is the version that a Write is to follow. The number alone does not: a Vault that was restored
// from a backup gives it again.
func (c content) follows(at place, over secret.Record) error {
	v := c.version
	switch {
	case over.Version == 0 && !c.readable:
		return nil
	case over.Version == 0:
		return fmt.Errorf("%w: there is a version %d of %s by now", secret.ErrChanged, v.number, at)
	case v.number == 0:
		return fmt.Errorf("%w: there is no record at %s any more", secret.ErrChanged, at)
	case !c.readable:
		return fmt.Errorf("%w: %w", secret.ErrChanged, gone(at, v))
	case v.number != over.Version:
		return fmt.Errorf("%w: %s is at version %d, and not at %d any more", secret.ErrChanged, at, v.number, over.Version)
	case v.revision() != over.Revision:
		return fmt.Errorf("%w: version %d of %s is another one than was read, made at %s: was the Vault restored from a backup?", secret.ErrChanged, v.number, at, v.created)
	default:
		return nil
	}
}

// needs is the capability that writing a new version needs.
func (c content) needs() string {
	if c.version.number == 0 {
		return "create"
	}
	return "update"
}

// written tells what came of a writing.
func (s *Source) written(ctx context.Context, at place, over content, w *writing, a answer, err error) (secret.Record, error) {
	v, parsed := parseVersion(a.secret().Data)
	switch {
	case err == nil && a.status == http.StatusOK && parsed:
		return v.record(at, w.content()), nil
	case w.isOpen():
		if err == nil {
			err = a.unexpected("writing " + at.String())
		}
		return secret.Record{}, fmt.Errorf("%w: %w: before you write again, look whether %s has a version %d", secret.ErrMaybeWritten, err, at, over.version.number+1)
	case err != nil:
		return secret.Record{}, err
	case a.status == http.StatusForbidden:
		return secret.Record{}, s.unwritable(at, over)
	case a.status == http.StatusBadRequest && bytes.Contains(a.body, []byte("check-and-set parameter did not match")):
		return secret.Record{}, fmt.Errorf("%w: %s is not at version %d any more", secret.ErrChanged, at, over.version.number)
	case a.status == http.StatusNotFound:
		return secret.Record{}, s.notFound(ctx, at, a)
	default:
		return secret.Record{}, a.unexpected("writing " + at.String())
	}
}

// unwritable says which permission a writing lacked.
func (s *Source) unwritable(at place, now content) error {
	perhaps := ""
	if !s.session.vouched() {
		perhaps = ", or the token is not valid any more"
	}
	return fmt.Errorf("%w: Vault denies to %s %s: the policy of the token must have `%s`%s",
		secret.ErrReadOnly, now.needs(), at.data(), at.data().policy("create", "read", "update"), perhaps)
}

// decode reads JSON with its numbers as they are written.
func decode(text []byte) (all map[string]any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&all) // of what was encoded here
	return all
}

// texts returns all texts and numbers in a value of JSON, however deep, that no error may show.
func texts(of any) (all []secret.Value) {
	switch v := of.(type) {
	case string:
		all = append(all, secret.NewValue(v))
	case json.Number:
		all = append(all, secret.NewValue(v.String()))
	case []any:
		for _, inner := range v {
			all = append(all, texts(inner)...)
		}
	case map[string]any:
		for _, inner := range v {
			all = append(all, texts(inner)...)
		}
	}
	return all
}
