package secret

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Write makes a new version of a record, as [Writer] says, whether it is in use or not. It ends when ctx does, and within
// 20 s. Whoever uses the record is told by the reading that it asks for; what is known serves on until then.
func (s *Store) Write(ctx context.Context, path string, over Record, set map[string]Value) (written Record, err error) {
	hide := slices.AppendSeq(slices.Collect(maps.Values(over.Fields)), maps.Values(set))
	err = s.tend(ctx, path, hide, func(ctx context.Context, w Writer) error {
		if err := CheckSet(set); err != nil {
			return err
		}
		begun := time.Now()
		written, err = w.Write(ctx, path, over, set)
		written.Path, written.ReadAt = path, begun
		return err
	})
	if err == nil || errors.Is(err, ErrMaybeWritten) || errors.Is(err, ErrChanged) {
		s.Refresh(path)
	}
	if err != nil {
		return Record{}, err
	}
	s.logger().Info("secret record written", "path", path, "version", written.Version)
	return written, nil
}

// History returns up to n versions of a record that can be read, the newest first, as [Writer] says. It ends as Write does.
func (s *Store) History(ctx context.Context, path string, n int) (versions []Record, err error) {
	err = s.tend(ctx, path, nil, func(ctx context.Context, w Writer) error {
		begun := time.Now()
		versions, err = w.History(ctx, path, n)
		for i := range versions {
			versions[i].Path, versions[i].ReadAt = path, begun
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return versions, nil
}

// CanWrite returns why a Write of the record would fail, as far as the source can tell without writing; ErrReadOnly where
// it can write nothing at all. It ends as Write does.
func (s *Store) CanWrite(ctx context.Context, path string) error {
	return s.tend(ctx, path, nil, func(ctx context.Context, w Writer) error {
		if p, ok := w.(Permitter); ok {
			return p.CanWrite(ctx, path)
		}
		return nil
	})
}

// tend has the source's Writer do something: one thing at a time, within writeTimeout. Its error shows none of the contents.
func (s *Store) tend(ctx context.Context, path string, hide []Value, do func(context.Context, Writer) error) error {
	w, ok := s.source.(Writer)
	if !ok {
		return fmt.Errorf("secret store %q, record %q: %w: psagate only reads stores of this kind", s.name, path, ErrReadOnly)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, writeTimeout, fmt.Errorf("%w: no answer within %s", ErrDown, writeTimeout))
	defer cancel()
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return fmt.Errorf("secret store %q, record %q: another writing takes too long: %w", s.name, path, context.Cause(ctx))
	}
	if err := do(ctx, w); err != nil {
		shown := redactedError{text: Redact(err.Error(), hide...), cause: err}
		return fmt.Errorf("secret store %q, record %q: %w", s.name, path, shown)
	}
	return nil
}
