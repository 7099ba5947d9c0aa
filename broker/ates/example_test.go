package ates_test

import (
	"context"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/internal/psatest"
)

func ExampleSender() {
	sim := psatest.New()
	defer sim.Close()
	tenant := sim.AddTenant("Example", sim.AddZone("5"))
	service := sim.AddMailService(nil, nil) // in earnest: addticket@autotask.net
	service.Serve(tenant, "the key", 6)

	out, err := ates.NewSender(ates.Service{
		To: message.Address{Local: "addticket", Domain: "ates.example"}, From: message.Address{Local: "support", Domain: "msp.example"},
		Key:    func(context.Context) (string, error) { return "the key", nil }, // from a store
		Server: ates.Server{Address: service.Addr(), TLS: ates.TLSOff},          // on this machine alone
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = out.HandOver(ctx, drive.Ticket{Reference: "mb1x", Title: "Printer", Description: "It is on fire.\n\nRef: mb1x", Sender: "jo@acme.example"}, false)
	fmt.Println(err, tenant.Records("Tickets")[0]["title"])
	// Output: <nil> Printer
}
