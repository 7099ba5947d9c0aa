package call

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/secret"
)

// recordKeys are the keys that records of secret stores give the integrations of one config.
type recordKeys struct {
	*keyring
	records  []*keyRecord // in the config's order
	byRecord map[record]*keyRecord
	ours     func(record) bool
	book     *identity.Book

	mu       sync.Mutex
	lookedAt time.Time // when doubt was found out; zero: it has to be
	doubt    bool
}

// keyRecord is the record that one integration's key_from names.
type keyRecord struct {
	record
	of      *identity.Integration
	log     *slog.Logger
	release func()

	mu   sync.Mutex
	said map[string]bool // the problems that the log has
}

// readBook makes the book of a config's integrations, and finds the records that they name.
func readBook(cfg Config, ring *keyring) (*recordKeys, *identity.Book, error) {
	of := make([]identity.Integration, 0, len(cfg.Integrations))
	for _, i := range cfg.Integrations {
		of = append(of, i.Integration)
	}
	k := &recordKeys{keyring: ring, byRecord: make(map[record]*keyRecord)}
	k.ours = func(r record) bool { return k.byRecord[r] != nil }
	var errs []error
	for i, integration := range cfg.Integrations {
		if integration.KeyFrom != (Ref{}) {
			errs = append(errs, k.add(cfg, integration.KeyFrom, &of[i]))
		}
	}
	var err error
	k.book, err = identity.NewBook(of, k.find)
	return k, k.book, errors.Join(append(errs, err)...)
}

func (k *recordKeys) add(cfg Config, from Ref, of *identity.Integration) error {
	store, ok := cfg.Stores[from.Store]
	switch {
	case !ok:
		return fmt.Errorf("integration %s: key_from: there is no secret store %q", of.Name, from.Store)
	case from.Path == "":
		return fmt.Errorf("integration %s: key_from names no record of store %q", of.Name, from.Store)
	}
	r := record{store.Store, from.Path}
	if other := k.byRecord[r]; other != nil {
		return fmt.Errorf("integrations %s and %s both have key_from %s %s: a key can be one's alone, so make a record for each", other.of.Name, of.Name, from.Store, from.Path)
	}
	log := cfg.Log.With("integration", of.Name, "store", from.Store, "record", from.Path)
	k.byRecord[r] = &keyRecord{record: r, of: of, log: log, said: make(map[string]bool)}
	k.records = append(k.records, k.byRecord[r])
	return nil
}

// commit reads the records from now on.
func (k *recordKeys) commit() {
	for _, r := range k.records {
		k.hold(r.record)
		r.release = r.store.Use(r.path, func(rec secret.Record) { k.apply(r, rec) })
	}
}

// close ends what commit began.
func (k *recordKeys) close() {
	for _, r := range k.records {
		if r.release != nil {
			r.release()
			k.letGo(r.record)
			r.release = nil
		}
	}
}

// find implements identity.Elsewhere. It asks the store what it knows, which waits for nothing: a key that was taken out
// is dead before the notification of it is through, and one whose record is too old is in doubt.
func (k *recordKeys) find(hash identity.Hash) (*identity.Integration, error) {
	r, found, disputed := k.ring.Find(hash, k.ours)
	if disputed {
		return nil, identity.ErrDisputed
	}
	if found {
		rec, err := r.store.Get(r.path)
		switch {
		case err != nil:
			return nil, identity.ErrOutdated
		case identity.InRecord(rec.Fields, hash):
			return k.byRecord[r].of, nil
		}
	}
	if k.doubtful() {
		return nil, identity.ErrUnavailable
	}
	return nil, identity.ErrUnknown
}

// looksEvery is how often the records are looked at for what is not known of them, at most: strangers could ask all day.
const looksEvery = time.Second

// doubtful reports whether a key that nobody has could be in a record that could not be read.
func (k *recordKeys) doubtful() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if !k.lookedAt.IsZero() && now.Sub(k.lookedAt) < looksEvery {
		return k.doubt
	}
	k.lookedAt, k.doubt = now, false
	for _, r := range k.records {
		if k.inDoubt(r.record) {
			k.doubt = true
			break
		}
	}
	return k.doubt
}

// inDoubt reports whether a record may hold a key that is not known. What is not there holds none.
func (k *recordKeys) inDoubt(r record) bool {
	if _, err := r.store.Get(r.path); err != nil {
		return !errors.Is(err, secret.ErrNotFound)
	}
	return !k.known(r) // it has been read, and its notification is on its way
}

// apply takes over a reading of a record.
func (k *recordKeys) apply(r *keyRecord, rec secret.Record) {
	hashes, problems := identity.FromRecord(rec.Fields)
	passed, current := k.set(r.record, rec.ReadAt, hashes)
	if !current {
		return
	}
	k.mu.Lock()
	k.lookedAt = time.Time{}
	k.mu.Unlock()
	for _, hash := range passed {
		if to, ok, _ := k.ring.Find(hash, k.ours); ok {
			r.log.Warn("a key passes to another integration, whose record has it too", "key", hash.ID(), "to", k.byRecord[to].of.Name)
		}
	}
	r.report(append(problems, k.conflicts(r, hashes)...))
}

// conflicts names the keys of a record that another integration has.
func (k *recordKeys) conflicts(r *keyRecord, hashes []identity.Hash) (problems []string) {
	for _, hash := range hashes {
		holder := k.book.HolderOf(hash)
		to, found, disputed := k.ring.Find(hash, k.ours)
		if holder == nil && disputed {
			problems = append(problems, fmt.Sprintf("field %q: another integration's record has this key too, and it counts for neither: make a key for each", hash.ID()))
			continue
		}
		if holder == nil && found {
			holder = k.byRecord[to].of
		}
		if holder != nil && holder != r.of {
			problems = append(problems, fmt.Sprintf("field %q: integration %q has this key already, and keeps it: make a key for each", hash.ID(), holder.Name))
		}
	}
	return problems
}

// report logs the problems that the reading before did not have.
func (r *keyRecord) report(problems []string) {
	r.mu.Lock()
	before := r.said
	r.said = make(map[string]bool, len(problems))
	for _, p := range problems {
		r.said[p] = true
	}
	r.mu.Unlock()
	for _, p := range problems {
		if !before[p] {
			r.log.Error("a key of the integration's record cannot be used", "error", p)
		}
	}
}

// Notices say, for operators, what is wrong with the integrations' keys: records that cannot be read and fields that
// cannot be used. They hold no secret.
func (g *Gateway) Notices() []string {
	all := []string{}
	for _, r := range g.keys.records {
		rec, err := r.store.Get(r.path)
		if err != nil {
			all = append(all, fmt.Sprintf("integration %q, key_from: %v", r.of.Name, err))
			continue
		}
		hashes, problems := identity.FromRecord(rec.Fields)
		for _, p := range append(problems, g.keys.conflicts(r, hashes)...) {
			all = append(all, fmt.Sprintf("integration %q, key_from record %q: %s", r.of.Name, r.path, p))
		}
	}
	slices.Sort(all)
	return all
}
