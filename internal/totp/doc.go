// Package totp is the second factor of people who have signed in: codes of an authenticator app (TOTP, RFC 6238). A person enrols,
// confirms with one right code, and from then on is asked for codes, each of which counts once over all processes; recovery codes
// are for who has lost the app. It also makes the codes of a PSA user that several people share, whose seed is in a secret store.
//
// Who may do what is the caller's: it has signed the person in, knows whether a step-up is fresh, and who is an administrator. It
// writes the audit log, too. What must hold over processes is kept in a [Store], in one transaction for each question.
//
// # What a guesser can do
//
// A code is only ever asked of a signed-in session, so who guesses has a person's first factor already. A code is one of 10^6 (with
// 8 digits 10^8), and at any moment three are taken: a guess is right with p = 3 in 10^6. These are counted, in the store, before
// a code is looked at; what is refused by a limit is not looked at, and counts nowhere:
//
//   - Each session, and each pair of person and address: 5 failures, then a wait of 30 s that doubles with each failure up to an
//     hour. A right code forgives them; a day without a failure does, too. An IPv6 address counts as its /64.
//   - Each address, over all persons: 60 failures, one given back each minute.
//   - Each person, over all addresses: 10 failures, one given back each 2 h 24 min, and never by a right code, or else each
//     sign-in of the person would give a guesser 10 more.
//   - Each browser that has proven itself before, by a sealed mark that it keeps as a cookie: it is spared the limits of addresses
//     and of the person, which others may have spent, and has 10 failures of its own, one given back each 2 h 24 min.
//
// So who has the first factor alone, and any number of addresses and sessions, has 20 guesses in the first day (p = 6 in 10^5) and
// 10 in each one after it (3 in 10^5; 1.1 % in a year that nobody notices, 0.011 % with 8 digits). Each mark stolen from a browser
// adds as much. Such a person can be kept from signing in with a new browser while that goes on, not with one that is known, and
// not with a recovery code: of those there are 2^80, so the limit of the person does not hold for them.
//
// Where the installation's key is replaced, the limits begin anew, for buckets are named with it; recovery codes that were made with
// it are worth something until it is not kept as the former one any more. Where the store is put back to a backup, recovery codes that
// were used since then can be used again: give people new ones.
package totp
