//go:build unix

package store

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
)

func TestOfEachChainTheHighestHeadIsKept(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		at := time.UnixMicro(1_760_000_000_123_456)
		a := p.run(t)
		first := audit.Head{Chain: "ABC", Host: "gate-1", Key: "1a2b3c4d", Seq: 7, MAC: "seven", At: at}
		last := audit.Head{Chain: "ABC", Host: "gate-1", Key: "1a2b3c4d", Seq: 9, MAC: "nine", At: at.Add(time.Second), Closed: true, Number: 1}
		other := audit.Head{Chain: "DEF", Host: "gate-2", Key: "1a2b3c4d", Seq: 1, MAC: "one", At: at.Add(-time.Hour), Number: 2}
		everyField(t, last)
		for _, h := range []audit.Head{first, last, first, other} {
			if err := a.Anchors().Put(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
		a.close()
		b := p.run(t)
		list, err := b.Anchors().Heads(t.Context())
		if want := []audit.Head{last, other}; err != nil || !slices.Equal(list, want) {
			t.Errorf("got %+v, error %v", list, err)
		}
		b.close()
		if read, err := ReadHeads(t.Context(), p.Kind, p.Place); err != nil || !slices.Equal(read, list) {
			t.Errorf("where nobody runs: %+v, error %v", read, err)
		}
	})
}

func TestAnchorsOfAStoreThatCannotBeUsedAreErrors(t *testing.T) {
	p := inSQLite(t)
	idle := p.prepare(t)
	if err := idle.Anchors().Put(t.Context(), audit.Head{Chain: "ABC", Seq: 1}); err == nil {
		t.Error("it was put")
	}
	if _, err := idle.Anchors().Heads(t.Context()); err == nil {
		t.Error("they were read")
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	if _, err := ReadHeads(t.Context(), SQLite, missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a store that is not there: %v", err)
	}
}

func TestAStoreOfBeforeTheAuditLogIsTakenOver(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		for _, table := range slices.Concat([]string{"audit_anchor", "switched_off", "people_session", "people_once"}, totpTables, mailTables) {
			if _, err := a.db.Exec(`DROP TABLE ` + table); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.db.Exec(`UPDATE store SET version = 1`); err != nil {
			t.Fatal(err)
		}
		a.close()
		b := p.run(t)
		if err := b.Anchors().Put(t.Context(), audit.Head{Chain: "ABC", Seq: 1}); err != nil {
			t.Error(err)
		}
	})
}

func TestChainsOfBeforeTheyWereCountedComeBeforeThoseThatAre(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		for _, table := range slices.Concat(totpTables, mailTables) {
			if _, err := a.db.Exec(`DROP TABLE ` + table); err != nil {
				t.Fatal(err)
			}
		}
		for _, statement := range []string{
			`DROP TABLE people_session`, `DROP TABLE people_once`, `ALTER TABLE audit_anchor DROP COLUMN number`, `UPDATE store SET version = 3`,
			`INSERT INTO audit_anchor (chain, host, key_id, seq, mac, at, closed) VALUES ('OLD', 'gate-1', '', 1, '', 9000000000000000, true)`,
		} {
			if _, err := a.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		a.close()
		b := p.run(t)
		if err := b.Anchors().Put(t.Context(), audit.Head{Chain: "NEW", Host: "gate-1", Seq: 1, At: time.Unix(0, 0)}); err != nil {
			t.Fatal(err)
		}
		list, err := b.Anchors().Heads(t.Context())
		if err != nil || len(list) != 2 || list[0].Chain != "OLD" || list[0].Number != 0 || list[1].Number != 1 {
			t.Errorf("%+v, error %v", list, err)
		}
		if last, _ := audit.LastOf(list, "gate-1"); last.Chain != "NEW" {
			t.Errorf("the last one is %+v", last)
		}
	})
}
