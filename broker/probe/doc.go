// Package probe tries a mailbox out, and says of each step in plain words what works, what does not, and what to do: name,
// connection, TLS, sign-in, inbox, flags, folders, abilities, a mail that is moved or marked, and mails that are sent to each address and
// waited for.
//
//	steps := probe.Test{Mailbox: mailbox, Aliases: aliases, Keys: keys}.Run(ctx)
//
// Nothing that it does costs a lockout: a password or token is sent once, and one that was refused before (imap.Mailbox.Refused) is
// not sent again unless Again says so.
//
// A broker may be reading the mailbox at the same time. The mails that a Test puts or sends there carry the broker's own mark
// (thread.ProbeField), whose keys only the broker has: they are suppressed as its own, and never become tickets. What somebody
// else writes into that field suppresses nothing. A Test takes its mails out again.
package probe
