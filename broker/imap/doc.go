// Package imap brings mails out of a mailbox, and moves them there when it is told to. The inbox is the queue: what lies in
// it and is not in the books is fetched, and leaves it only when the books have an end for it.
//
// What is fetched is found by comparing: all UIDs of the inbox without those that the books know. Flags, dates and the
// highest UID seen so far say nothing: people read and move mails, and backups bring old ones back. Fetching changes
// nothing on the server (BODY.PEEK).
//
// Where mails are to stay in the inbox (Mailbox.LeaveSince), those that the books have an end for are marked there, and a server that
// keeps no such mark is not read. Even then the books decide: the mark saves asking for mails that are done with.
//
// IDLE (RFC 2177) is a hint, since servers forget to keep it up: whatever it says, or does not, the whole is compared every
// Poll, and a server that does not answer then is dialled anew.
//
// Where UIDs have begun anew (another UIDVALIDITY, after a restore), every mail of the inbox is new by its place, and is
// handed over once more; that it came before, is seen from its content (message.ContentKeyOf). What the books still want
// moved by an old place is gone.
package imap
