package ates

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/psatest"
)

func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		sim := psatest.New()
		defer sim.Close()
		tenant := sim.AddTenant("Example", sim.AddZoneOn("5", network.Listen("zone5.test:80")))
		ates := sim.AddMailService(network.Listen("localhost:25"), nil)
		ates.Serve(tenant, secret, 6)
		ates.Adjust(func(s *psatest.MailSettings) { s.Alike = 2 })
		s := service(t, Server{Address: "localhost:25", TLS: TLSOff, Dial: network.DialContext})
		s.Pace = Pace{}
		begun := time.Now()
		// Two processes, each with alerts from one monitor.
		for _, out := range []*Sender{sender(t, s), sender(t, s)} {
			for i := range 20 {
				alert := ticket()
				alert.Reference = fmt.Sprintf("mb1%06d", 1000*i+len(ates.Mails()))
				if err := out.HandOver(t.Context(), alert, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		if tickets := tenant.Records("Tickets"); len(tickets) != 40 {
			t.Errorf("%d tickets of 40", len(tickets))
		}
		if took := time.Since(begun); took < 38*2*time.Second || took > 39*2*time.Second {
			t.Errorf("it took %s", took)
		}
		out := sender(t, s)
		titles := func() (titles []any) {
			for _, r := range tenant.Records("Tickets")[40:] {
				titles = append(titles, r["title"])
			}
			return titles
		}
		for range 2 {
			time.Sleep(6 * time.Minute)
			if err := out.HandOver(t.Context(), ticket(), false); err != nil {
				t.Fatal(err)
			}
		}
		if got := titles(); !slices.Equal(got, []any{"Printer", "Printer"}) {
			t.Errorf("after the window: %v", got)
		}
		// Whoever cannot wait so long sends nothing.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := out.HandOver(ctx, ticket(), false); !errors.Is(err, drive.ErrNotNow) || len(titles()) != 2 {
			t.Errorf("%v, %v", err, titles())
		}
	})
}
