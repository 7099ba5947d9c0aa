//go:build unix

package vault

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/vaulttest"
)

func allFresh(s *secret.Store) bool {
	for _, status := range s.Status() {
		if status.Stale {
			return false
		}
	}
	return true
}

func TestAThousandRecordsOfARealVaultCostALookEachPerPollAndAHerdIsBounded(t *testing.T) {
	v := vaulttest.Start(t)
	const records, stores, each = 1000, 8, 250
	path := func(i int) string { return fmt.Sprintf("herd/%d", i) }
	for i := range records {
		v.Put(path(i), record("herd-one"))
	}
	t.Run("a thousand records", func(t *testing.T) {
		proxy := newCounting(t, v.URL)
		cfg, _ := byRole(v.With(t), "thousand", time.Hour, 0)
		cfg.Address = proxy.URL
		log := new(notes)
		s := secret.NewStore("vault", newSource(t, cfg, log), secret.Options{Poll: 2 * time.Second, Logger: log.logger(), Rand: func() float64 { return 0.5 }})
		for i := range records {
			t.Cleanup(s.Use(path(i), nil))
		}
		s.Start(t.Context())
		t.Cleanup(s.Stop)
		until(t, "each record was read", func() bool { return allFresh(s) })
		reads, _, _, once := proxy.count("GET /v1/kv/data/herd/")
		logins, _, _, _ := proxy.count("PUT /v1/auth/approle/login")
		if reads != records || once != 1 || logins != 1 {
			t.Errorf("%d readings, %d sign-ins", reads, logins)
		}
		proxy.forget()
		until(t, "each record was polled three times", func() bool {
			_, paths, least, _ := proxy.count("GET /v1/kv/metadata/herd/")
			return paths == records && least >= 3
		})
		s.Stop()
		all, _, _, _ := proxy.count("")
		looks, _, least, most := proxy.count("GET /v1/kv/metadata/herd/")
		if all != looks {
			t.Errorf("%d requests in all, %d of them looks at metadata", all, looks)
		}
		if most > least+2 { // the bubble of synctest tells to the last one
			t.Errorf("one record was looked at %d times while another was %d times", most, least)
		}
		if proxy.most > 8 || strings.Contains(log.String(), "WARN") {
			t.Errorf("%d requests at once; log:\n%.2000s", proxy.most, log)
		}
	})
	t.Run("a herd that starts at once", func(t *testing.T) {
		proxy := newCounting(t, v.URL)
		cfg, _ := byRole(v.With(t), "herd", time.Hour, 0)
		cfg.Address = proxy.URL
		var all []*secret.Store
		for range stores {
			log := new(notes)
			s := secret.NewStore("vault", newSource(t, cfg, log), secret.Options{Poll: time.Hour, Logger: log.logger()})
			for i := range each {
				t.Cleanup(s.Use(path(i), nil))
			}
			all = append(all, s)
			t.Cleanup(s.Stop)
		}
		for _, s := range all {
			s.Start(t.Context())
		}
		for _, s := range all {
			until(t, "all records of a store are fresh", func() bool { return allFresh(s) })
		}
		n, _, _, _ := proxy.count("")
		logins, _, _, _ := proxy.count("PUT /v1/auth/approle/login")
		if proxy.most > stores*8 || logins != stores || n != stores*(each+1) {
			t.Errorf("%d at once, %d sign-ins, %d requests", proxy.most, logins, n)
		}
	})
}
