//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

func isMode(r *running, mode int32) func() bool { return func() bool { return r.mode.Load() == mode } }

func TestTheOnlyProcessMakesRoomForAnother(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1), a.held(2)) })
		a.change("k", func(r *guard.Rows) { r.Units = r.Units[:1] }) // the other one is kept
		b := p.elsewhere(t).run(t)
		if a.mode.Load() != several || b.mode.Load() != several {
			t.Fatalf("modes %d and %d", a.mode.Load(), b.mode.Load())
		}
		if got := b.rows("k"); len(got.Units) != 1 || got.Units[0] != a.held(1) {
			t.Errorf("the other one sees %+v", got.Units)
		}
		b.change("k", func(r *guard.Rows) { r.Seq = 5 })
		if got := a.rows("k"); got.Seq != 5 || !a.Table("k").Shared() {
			t.Errorf("the first one sees seq %d", got.Seq)
		}
		b.close()
		until(t, "the first one is alone again", isMode(a, alone))
		if got := a.rows("k"); got.Seq != 5 || len(got.Units) != 1 || got.Units[0] != a.held(1) || a.Table("k").Shared() {
			t.Errorf("it has %+v", got)
		}
	})
}

func TestProcessesThatStartAtOnceOnAnEmptyStoreAllUseIt(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		var wg sync.WaitGroup
		for range 6 {
			p := p.elsewhere(t)
			r := p.prepare(t)
			wg.Go(func() {
				err := r.Start(context.Background(), p.Config)
				if err = errors.Join(err, r.problem()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestTransactionsOfSeveralProcessesDoNotLoseEachOthersChanges(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		const processes, each = 3, 60
		p.TTL = 6 * time.Second // so many transactions at once may hold up a beat
		var all []*running
		for range processes {
			all = append(all, p.elsewhere(t).run(t))
		}
		var wg sync.WaitGroup
		for _, r := range all {
			for _, key := range []guard.Key{"k", "l"} {
				wg.Go(func() {
					for n := 0; n < each; {
						err := r.try(key, func(rows *guard.Rows) { rows.Seq++ })
						if err == nil {
							n++
						} else if !r.dialect.passing(err) && !errors.Is(err, errDown) {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		wg.Wait()
		for _, key := range []guard.Key{"k", "l"} {
			if got := all[0].rows(key); got.Seq != processes*each {
				t.Errorf("%s: %d changes of %d", key, got.Seq, processes*each)
			}
		}
	})
}

func TestTheUnitsOfADeadProcessAreLost(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		for _, c := range []struct {
			what string
			on   func(testing.TB) place
		}{{"on this host", func(testing.TB) place { return p }}, {"elsewhere", p.elsewhere}} {
			t.Run(c.what, func(t *testing.T) {
				key := guard.Key(c.what)
				a, b := p.run(t), c.on(t).run(t)
				b.change(key, func(r *guard.Rows) {
					lost := b.held(2)
					lost.State = guard.Lost
					r.Units = append(r.Units, b.held(1), lost)
				})
				var told sync.Map
				a.Watch(func(keys []guard.Key) {
					for _, k := range keys {
						told.Store(k, true)
					}
				})
				b.die()
				until(t, "the login is told to look", func() bool { _, ok := told.Load(key); return ok })
				units := a.rows(key).Units
				if len(units) != 2 || slices.ContainsFunc(units, func(u guard.Unit) bool { return u.State != guard.Lost || u.Holder != a.Holder() }) {
					t.Errorf("units %+v", units)
				}
				a.close()
			})
		}
	})
}

func TestAProcessThatIsPausedSendsNothingAndIsAnotherOneAfterwards(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a, b := p.run(t), p.elsewhere(t).run(t)
		b.change("k", func(r *guard.Rows) { r.Units = append(r.Units, b.held(1)) })
		before, under := b.Holder(), b.under()
		b.freeze()
		until(t, "the other one takes it for dead", func() bool {
			u := a.rows("k").Units
			return len(u) == 1 && u[0].State == guard.Lost
		})
		if b.Lease().May() || under.Err() == nil {
			t.Error("its units are lost, and it may still send")
		}
		b.thaw()
		until(t, "it is there again", func() bool { return b.Lease().May() && b.mode.Load() == several })
		if b.Holder() == before {
			t.Error("it goes by the same name")
		}
		if u := b.rows("k").Units; len(u) != 1 || u[0].State != guard.Lost || u[0].Holder != a.Holder() {
			t.Errorf("it sees %+v", u)
		}
	})
}

func TestAProcessThatWasAloneAndPausedOverwritesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
		a.freeze()
		b := p.elsewhere(t).run(t)
		until(t, "the other one is alone", isMode(b, alone))
		b.change("k", func(r *guard.Rows) { r.Seq = 3 })
		if err := a.try("k", func(r *guard.Rows) { r.Seq = 99 }); err == nil {
			t.Error("it has written")
		}
		a.thaw()
		until(t, "it is there again", isMode(a, several))
		if got := a.rows("k"); got.Seq != 3 || len(got.Units) != 1 || got.Units[0].Holder != b.Holder() {
			t.Errorf("it sees %+v", got)
		}
	})
}

// Were it so late that its lease tells it nothing, the row itself does.
func TestWhatOthersHaveWrittenIsNotOverwritten(t *testing.T) {
	a := inSQLite(t).run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 1 })
	err := a.transact(t.Context(), func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `UPDATE guard_login SET rev = rev + 1, seq = 3 WHERE key = ?`, "k")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.try("k", func(r *guard.Rows) { r.Seq = 99 }); !errors.Is(err, errForgot) {
		t.Errorf("it has written, or failed otherwise: %v", err)
	}
	until(t, "it sees what others wrote", func() bool {
		var seq uint64
		return a.try("k", func(r *guard.Rows) { seq = r.Seq }) == nil && seq == 3
	})
}

func TestARestartAfterKill9WaitsForNobodyOnThisHost(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		p.TTL = time.Hour // nobody is taken for dead by its beat
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
		a.die()
		b := p.run(t)
		if b.mode.Load() != alone {
			t.Fatal("it waits")
		}
		if u := b.rows("k").Units; len(u) != 1 || u[0].State != guard.Lost || u[0].Holder != b.Holder() {
			t.Errorf("it sees %+v", u)
		}
	})
}

// A store that cannot be reached ends what goes on, at the lease's end, and serves again once it is back.
func TestAStoreThatHangsEndsTheLease(t *testing.T) {
	for what, outage := range map[string]struct{ begin, end func(place) }{
		"it hangs": {func(p place) { p.pg.Signal(syscall.SIGSTOP) }, func(p place) { p.pg.Signal(syscall.SIGCONT) }},
		"it dies":  {func(p place) { p.pg.Kill() }, func(p place) { p.pg.Run() }},
	} {
		t.Run(what, func(t *testing.T) {
			var p place
			everywhere(t, func(t *testing.T, at place) {
				if p = at; p.pg == nil {
					return
				}
				a := p.run(t)
				a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
				a.change("k", func(r *guard.Rows) { r.Units = r.Units[:0] })
				told := make(chan []guard.Key, 100)
				a.Watch(func(keys []guard.Key) { told <- keys })
				outage.begin(p)
				until(t, "the lease is over", a.Lease().Ended)
				if err := a.try("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(2)) }); err == nil {
					t.Error("a unit was taken")
				}
				outage.end(p)
				until(t, "the lease goes on", a.Lease().May)
				until(t, "all logins are told to look", func() bool {
					select {
					case keys := <-told:
						return keys == nil
					default:
						return false
					}
				})
				if err := a.try("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(3)) }); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAFullDiskKeepsWhatIsHeldAndTakesNothingNew(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
	a.change("k", func(r *guard.Rows) { r.Units = r.Units[:0] })
	a.freeze()
	fill(t, a, 1)
	a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(2)) }) // it is held already
	err := a.try("k", func(r *guard.Rows) {
		r.Units[0].State = guard.Failed
		for i := range 1000 { // more than a page
			r.Credentials = append(r.Credentials, guard.Credential{Fingerprint: guard.Fingerprint{byte(i), byte(i >> 8)}, State: guard.StateRefused})
		}
	})
	if err == nil {
		t.Fatal("it was written to a full disk")
	}
	if a.problem() == nil {
		t.Error("no problem is told")
	}
	fill(t, a, 1<<30)
	a.thaw()
	until(t, "the store works again", func() bool { return a.problem() == nil })
	if got := a.rows("k"); len(got.Units) != 1 || got.Units[0].State != guard.Held || len(got.Credentials) != 0 {
		t.Errorf("rows %+v", got)
	}
}

// fill bounds the file's size in pages, as a full disk does.
func fill(t *testing.T, r *running, pages int) {
	t.Helper()
	var now int
	if err := r.db.QueryRow(`SELECT page_count FROM pragma_page_count`).Scan(&now); err != nil {
		t.Fatal(err)
	}
	if err := r.db.QueryRow(`PRAGMA max_page_count = ` + itoa(max(now, pages))).Scan(&now); err != nil {
		t.Fatal(err)
	}
}

func TestAStoreThatWasRestoredIsDistrusted(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 1 })
	a.close()
	yesterday, err := os.ReadFile(p.Place)
	if err != nil {
		t.Fatal(err)
	}
	a = p.run(t)
	if got := a.rows("k"); got.Distrusted || got.Seq != 1 {
		t.Fatalf("after an ordinary restart there is %+v", got)
	}
	a.change("k", func(r *guard.Rows) { r.Seq = 2 })
	a.close()
	if err := os.WriteFile(p.Place, yesterday, 0o600); err != nil {
		t.Fatal(err)
	}
	a = p.run(t)
	if got := a.rows("k"); !got.Distrusted || got.Seq != 1 {
		t.Errorf("there is %+v", got)
	}
	a.change("k", func(r *guard.Rows) { r.Distrusted, r.Seq = false, 3 })
	a.close()
	a = p.run(t)
	if got := a.rows("k"); got.Distrusted || got.Seq != 3 {
		t.Errorf("once it is trusted again there is %+v", got)
	}
	if got := a.rows("another"); !got.Distrusted {
		t.Error("a login that is not in it is trusted")
	}
	if _, err := a.db.Exec(`UPDATE store SET epoch_at = epoch_at - ?`, (strangersDoubted + time.Hour).Microseconds()); err != nil {
		t.Fatal(err)
	}
	a.close()
	a = p.run(t)
	if got := a.rows("new by now"); got.Distrusted {
		t.Error("a login that is new long after that is not trusted")
	}
}

func TestAStoreThatIsGoneIsDistrusted(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Seq = 1 })
		a.close()
		if p.pg != nil {
			p.Place = p.pg.Database()
		} else if err := os.Remove(p.Place); err != nil {
			t.Fatal(err)
		}
		a = p.run(t)
		if got := a.rows("k"); !got.Distrusted {
			t.Errorf("there is %+v", got)
		}
	})
}

func TestAFileThatIsTakenAwayIsNoticed(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
	under, before := a.under(), a.Holder()
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(p.Place + end); err != nil {
			t.Fatal(err)
		}
	}
	b := p.run(t) // it waits for the one that lives without a store
	if b.Holder() == before {
		t.Fatal("it goes by the other one's name")
	}
	<-under.Done()
	until(t, "the first one is in the new store", func() bool { return a.Lease().May() && a.mode.Load() == several })
	if got := a.rows("k"); !got.Distrusted || len(got.Units) != 0 {
		t.Errorf("there is %+v", got)
	}
}

func TestAStoreThatFailedOverAndForgotIsNoticed(t *testing.T) {
	everywhere(t, func(t *testing.T, first place) {
		for what, c := range map[string]struct {
			forget   string
			distrust bool
		}{
			"a login's last change": {`UPDATE guard_login SET rev = rev - 1`, true},
			"the process":           {`DELETE FROM process`, false},
			"the beats":             {`UPDATE store SET tick = tick - 100`, true},
		} {
			t.Run(what, func(t *testing.T) {
				p := inSQLite(t)
				if first.pg != nil {
					p = inPostgres(t, first.pg)
				}
				a, b := p.run(t), p.elsewhere(t).run(t)
				key := guard.Key(what)
				a.change(key, func(r *guard.Rows) { r.Units, r.Seq = append(r.Units, a.held(1)), 4 })
				a.change(key, func(r *guard.Rows) { r.Seq++ })
				under, before := a.under(), a.Holder()
				if _, err := b.db.ExecContext(context.Background(), c.forget); err != nil {
					t.Fatal(err)
				}
				until(t, "it is another process", func() bool {
					_ = a.try(key, func(*guard.Rows) {})
					return a.Holder() != before && a.Holder() != "" && a.Lease().May() && a.mode.Load() == several
				})
				if under.Err() == nil {
					t.Error("what was under way goes on")
				}
				got := a.rows(key)
				if u := got.Units; len(u) != 1 || u[0].State != guard.Lost || u[0].Holder == before {
					t.Errorf("its unit is %+v", u)
				}
				if got.Distrusted != c.distrust {
					t.Errorf("distrusted: %v", got.Distrusted)
				}
			})
		}
	})
}

func TestAProcessWithAShorterTTLTakesNoneForDeadThatBeatsByItsOwn(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		slow := p
		slow.TTL = time.Hour
		a := slow.run(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
		b := p.elsewhere(t).prepare(t)
		go func() { _ = b.Start(context.Background(), p.Config) }()
		beat := func() int { return a.number(`SELECT MAX(beat) FROM process WHERE id <> '` + a.Holder() + `'`) }
		until(t, "the other one has beaten for more than its own TTL", func() bool { return a.number(`SELECT COUNT(*) FROM process`) == 2 && beat() > 4 })
		if b.mode.Load() != away {
			t.Error("it did not wait until there is room")
		}
	})
}

func TestThatThereIsRoomIsSaidAgainWhereItCouldNotBe(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.sets(`CREATE TRIGGER full BEFORE UPDATE OF alone ON process WHEN NEW.alone = 0 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	b := p.elsewhere(t).prepare(t)
	go func() { _ = b.Start(context.Background(), p.Config) }()
	until(t, "it has made room, and cannot say so", func() bool { return a.mode.Load() == several && a.problem() != nil })
	a.sets(`DROP TRIGGER full`)
	until(t, "the other one has heard of it", isMode(b, several))
}

// silent is a database whose file cannot be looked at.
type silent struct {
	dialect
	err error
}

func (s silent) stat(string) (os.FileInfo, error) { return nil, s.err }

func TestADiskThatDoesNotAnswerIsNoStoreThatWasTakenAway(t *testing.T) {
	for err, is := range map[error]bool{syscall.EIO: false, syscall.ESTALE: false, syscall.EACCES: false, syscall.ENOENT: true} {
		t.Run(err.Error(), func(t *testing.T) {
			a := inSQLite(t).run(t)
			a.freeze()
			file := a.dialect
			a.dialect = silent{file, &os.PathError{Op: "stat", Path: "psagate.db", Err: err}}
			if failed := a.beat(t.Context()); errors.Is(failed, errOlder) != is || !errors.Is(failed, err) {
				t.Errorf("error %v", failed)
			}
			a.dialect = file
		})
	}
}

func TestAFullDiskAtTheFirstStartIsWaitedFor(t *testing.T) {
	for err, passes := range map[error]bool{
		context.DeadlineExceeded: true, syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EIO: true,
		syscall.EACCES: false, syscall.EROFS: false, errNewer: false,
	} {
		if got := (sqlite{}).passing(fmt.Errorf("the lock file: %w", err)); got != passes {
			t.Errorf("%v passes: %v", err, got)
		}
	}
}

func TestARoleThatMayMakeNothingUsesTheTablesThatAreThere(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		if p.pg == nil {
			return
		}
		p.run(t).sets(`CREATE ROLE plain LOGIN`, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain`, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
			`REVOKE EXECUTE ON FUNCTION pg_current_wal_lsn() FROM PUBLIC`) // nor does the timeline have to be told
		other := p.elsewhere(t)
		at, err := url.Parse(p.Place)
		if err != nil {
			t.Fatal(err)
		}
		at.User = url.User("plain")
		other.Place = at.String()
		other.run(t).change("k", func(r *guard.Rows) { r.Seq = 1 })
	})
}
