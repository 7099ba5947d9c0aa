// Package tickets is what the mail broker needs of Autotask, over calls that go through psagate's own gateway: it makes tickets, notes
// and files (drive.Ticketer), and knows people, companies and tickets (route.Directory).
//
//	t := tickets.New(tickets.Options{Caller: inside, Log: log})
//	go t.Run(ctx)
//	d := &drive.Driver{Ticketer: t, Directory: t, Participates: t.Participates, Down: t.Down, …}
//
// The PSA has no idempotency key. So a ticket's reference goes into its externalID and stands in its description as the last line
// "Ref: …", for the PSA may not store an externalID that it was given; and no call that makes something is repeated, except one that
// the PSA surely did not carry out. What is not sure is neither drive.ErrRefused nor drive.ErrNotNow.
//
// A Tickets is a mailbox's, in whose name its Caller calls; any number of goroutines may use it at once.
package tickets
