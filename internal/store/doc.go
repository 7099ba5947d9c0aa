// Package store keeps what must outlive a process: in SQLite by default, in PostgreSQL where there are several replicas. The
// tables are the same, and so are the tests.
//
// It is the guard's Tables. A process that is the only one works in memory: what is stored is always at least as careful as
// what is true, so that a call needs no I/O. Units that are given back stay held in the store while they are used every
// 2 s; a process that dies leaves them lost. Where several processes live, each transaction is one of the database's.
//
// Each process has a row and moves its beat in it. One whose beat has not moved for the TTL is dead, and so is one whose
// lock file on this host can be locked: its row is deleted, and its units are lost to whoever sees them next. A process may
// send only while its lease lasts, which ends before others can take it for dead.
//
// The books of the mail broker, with the mails themselves, are in it too (Mail): so a backup holds what people wrote, and is to be
// kept accordingly. They go by no lease: each write compares the row's epoch.
//
// Which passwords mail servers have refused is in it (MailSignIns), as hashes whose key is elsewhere.
package store
