// Package ledger is the books of the broker: a row for each mail that came, and the moves between its states. The moves
// are functions of a row, of what happened and of the time, so that they can be searched; the rows are kept by a Ledger.
//
// Whoever works on a mail does this, over and over:
//
//	step := rules.Next(mail, now, world)      // what is due
//	mail = rules.Begin(mail, step, now)       // and is written down before it is done: Ledger.Update
//	result := …                               // the work: parse, ask, send
//	mail = rules.End(mail, step, result, now) // and what came of it: Ledger.Update
//
// An Update is refused where somebody else has moved the row meanwhile; then all that was read is forgotten. Between the
// two Updates the process may die at any moment: what Begin wrote is enough for the next one. A send is begun once and
// ends with an answer, or it is in doubt, whoever held it.
//
// # In doubt
//
// The PSA has no key by which a creation could be repeated safely. So a mail has a reference, which stands in what it made,
// and when a send has no answer the PSA is asked for the reference: at once, since it mostly is there, and again when the
// send can no longer take effect (Rules.Settle). Only two answers that it is not there, both after that and apart, let it be sent
// again. What takes effect later than that makes a second ticket, which is why such a mail is marked as Repeated.
//
// # What always holds
//
//	I1 each mail that came is in one state, and its bytes are there
//	I2 it makes one ticket or note at most, unless it is marked Repeated
//	I3 it is acknowledged on the server only after what became of it is written down
//	I4 it is tried so many times, dying included, and then goes aside with a cause
//	I8 notes on a ticket are made in the order in which their mails came, and after the ticket
package ledger
