package vault

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"

	"github.com/psagate/psagate/internal/secret"
)

// spared is how many versions beyond those that are wanted are looked at when some cannot be read.
const spared = 20

// History implements [secret.Writer]. The metadata tells which versions there are; where the token may not read it, the
// numbers are counted down from the current one. Deleted and destroyed versions are left out.
func (s *Source) History(ctx context.Context, path string, n int) (all []secret.Record, err error) {
	at, err := s.place(path)
	if err != nil {
		return nil, err
	}
	numbers, err := s.numbers(ctx, at)
	if err != nil {
		return nil, err
	}
	looks := 0
	for number := range numbers {
		if looks++; len(all) >= n || looks > n+spared {
			break
		}
		r, state, err := s.readVersion(ctx, at, number)
		switch {
		case err != nil:
			return nil, err
		case state == pruned: // and so are all before it
			return all, nil
		case state == readable:
			all = append(all, r)
		}
	}
	return all, nil
}

// numbers gives the numbers of the versions of a record, the newest first.
func (s *Source) numbers(ctx context.Context, at place) (iter.Seq[uint64], error) {
	a, err := s.get(ctx, at.metadata())
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusForbidden:
		now, err := s.current(ctx, at)
		return down(now.version.number), err
	case a.status == http.StatusNotFound:
		if err := s.notFound(ctx, at, a); !errors.Is(err, secret.ErrNotFound) {
			return nil, err
		}
		return down(0), nil
	case a.status != http.StatusOK:
		return nil, a.unexpected("reading the metadata of " + at.String())
	}
	return slices.Values(listed(a)), nil
}

// down counts down to 1.
func down(from uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for n := from; n > 0; n-- {
			if !yield(n) {
				return
			}
		}
	}
}

// listed returns the numbers of the versions that metadata lists, the newest first, without those that were destroyed. Of
// one with a time of deletion only Vault's clock knows whether it has come.
func listed(a answer) (numbers []uint64) {
	versions, _ := a.secret().Data["versions"].(map[string]any)
	for text, about := range versions {
		n, err := strconv.ParseUint(text, 10, 64)
		m, _ := about.(map[string]any)
		if err == nil && !partsOf(m).destroyed {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return numbers
}

// state is what there is of a version.
type state int

const (
	readable state = iota
	lost           // deleted or destroyed
	pruned         // there is nothing: Vault keeps so many versions
)

// readVersion reads one version of a record.
func (s *Source) readVersion(ctx context.Context, at place, number uint64) (secret.Record, state, error) {
	a, err := s.ask(ctx, request{
		method: http.MethodGet, path: at.data().escaped() + "?version=" + strconv.FormatUint(number, 10),
	})
	_, there := parseVersion(a.secret().Data["metadata"])
	switch {
	case err != nil:
		return secret.Record{}, lost, err
	case a.status == http.StatusForbidden:
		return secret.Record{}, lost, s.forbidden(at.data())
	case a.status == http.StatusNotFound && there:
		return secret.Record{}, lost, nil
	case a.status == http.StatusNotFound:
		return secret.Record{}, pruned, nil
	case a.status != http.StatusOK:
		return secret.Record{}, lost, a.unexpected(fmt.Sprintf("reading version %d of %s", number, at))
	}
	r, err := parseRecord(at, a)
	if err == nil && r.Version != number {
		err = fmt.Errorf("%w: Vault gives version %d of %s for version %d", secret.ErrUnavailable, r.Version, at, number)
	}
	return r, readable, err
}
