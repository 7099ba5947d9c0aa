// Package drive does what is due: it takes mails from a ledger, has them understood and routed, makes what they become, and
// acknowledges them where they came from. It knows no PSA and no server: those are a Ticketer and a Source.
//
// Everything that it does is begun and ended in the ledger (ledger.Rules), so that it may die anywhere, and several drivers,
// of several processes, may work on one mailbox: of two that begin a step one is told that the other has it. What is to be
// made of a mail is written down when it is understood (Plan), and does not change with the config after that.
//
//	d := &drive.Driver{Mailbox: mailbox, Ledger: books, Ticketer: psa, Source: inbox, Directory: directory}
//	d.Run(ctx)
//
// A mail over which the program dies is given to the parser Rules.Understand times, and then taken as it is
// (message.ReadLeast).
package drive
