// Package mail runs the mailboxes of a config: it reads them by IMAP, takes mails in by SMTP, spools all of it into the books, and
// has a driver make tickets of it. It knows neither Caddy nor a PSA: those are what a Config is filled with.
//
//	engine := mail.New(books, log, watcher)
//	engine.Use(config)  // at each reload: what has not changed goes on
//	engine.Stop()       // nothing new is begun
//	engine.Wait(ctx)    // what was begun has ended
//
// Each mailbox has goroutines of its own, so that none waits for another; one that breaks down is begun anew after a while, and the
// others do not notice. (A panic in a goroutine of a library's own ends the process; what it was at is in the books.) The process
// may die anywhere: the rest is the ledger's matter.
package mail
