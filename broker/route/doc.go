// Package route says what becomes of a mail that package message has understood: which ticket it belongs to, or where a
// new one goes and in whose name. It asks a Directory and Threads, which are interfaces; nothing here does I/O itself.
//
//	draft, err := mailbox.Route(ctx, m, directory, threads)
//
// An error is that of a Directory or of Threads alone: the mail is tried again, for a mail whose sender could not be
// looked up would land with the wrong company. Everything else ends in a Draft, with each step in words in its Why, which
// is what `mail test` and a dry run show.
//
// # The order
//
//  1. The alias by which the mail came gives its fields; without one the mailbox's default does. Fields that an alias does
//     not give are the default's.
//  2. Who wrote it: a resource by its address, else a contact by its first, second or third address, else the one company
//     with its domain (public mail providers and public suffixes are no company's), else nobody known: the fields say
//     which company then.
//  3. The ticket that it belongs to: by a signed token, by the mails that it answers, or by a number in its subject; but for the
//     token, if the sender has to do with that ticket. A sender who has not makes a new ticket, which names the one claimed.
//  4. The mailbox's rules, in their order; what a rule gives wins over what was there.
//  5. By its kind: nothing is dropped, but some kinds are set aside for people.
package route
