/*
The guard, as a model for spin: written from its rules (units, seq, linger, leases, verdicts, who may send), not from its code.
scripts/model builds it with -D settings, runs it whole, and runs it again with each MUTATION_n, which must fail.

What is here
  The PSA at its worst: it counts failed sign-ins of the user since that user's last success and judges a request at any moment
  until its linger has passed. Its valid password changes at any moment, and so does the newest one of the store.
  The store: units, credentials, gate. The processes: what each has read, its lease, crash, partition. The operator: release.

How it is kept finite
  seq      has no number. Each attempt, each process and the operator holds the set of what it has read: a bit for each recorded
           unit (its seq is not above what was read) and one for each credential (the same for its refused_seq). What is recorded
           anew is in nobody's set until it is read. That is all that the rules ever ask of seq.
  time     any pause (gate, again, recheck, the hour of the last unit) may end at any moment. The end of linger means: the PSA can
           judge this request no more (A1, counted from when the unit became lost). Check and first byte are one step (A2).
  units    are alike, so each state is sorted; a state stands for all its permutations.

What is checked
  S   asserted in every state: the PSA's count of our failures <= units not free <= B, and with those outside psagate < threshold.
  L   (L1 and L2, which say "can") in every state with nothing held or lost, which every other state can come to by answers, resets
      and the end of lingers: if the rules promise service there, one path of benign moves is walked (an attempt with the valid
      credential where a kind allows one, else any that a kind allows) and must end in an accepted call of a caller.
  L3  (MUST) after one rotation, in either order: from every such state no benign path at all may get stuck; each that the guard
      may take ends in an accepted call of a caller, or spin finds an invalid end state. Benign paths have no cycles: each attempt
      ends in that call, in a refusal that uses a unit up, or in a proven credential.

  R   what was refused is not tried again beside a proven credential, unless the refusal of a P has spoken for it since.

Settings: NP processes, B budget, T threshold, NV versions of the credential, I in_flight.
  RULES    credentials, gate and kinds; without it any unit may be taken for any credential and any verdict may come (S alone)
  LOSS     no answer, linger, late answers     KILL   a process dies, with what it had in flight
  SPLIT    units are taken, kept and sent in steps, so views go stale     CUT   partition, or a pause beyond the lease
  NEUTRAL  neutral answers                     RELEASE   the operator        OUTSIDE   failures outside psagate
  NORESET  a success does not reset the PSA    BACK   contents are saved back and forth    PASS   pass-through and a stranger

Left out: the free call before an own attempt, zones, the queue, integrations, pools, `secret put`, `check`, observe, locked (no run
that is safe comes to it), how long a pause is, what the store forgets (A3), wrong verdict tables (A4), several stores.

Of the mutations, those of this list: 1 forgiving before linger, 2 sending again, 3 neutral as success, 4 forgiving what is recorded
when the success is settled, 5 a silent process's units freed (5a) or unknown at once (5b), 6 a release that clears lost units (6a)
or more than was shown (6b), 7 two budgets for one user, 8 rechecking beside a proven credential, 9 N not untried again when P is
refused (9a), also when N is P (9b), N blamed for an attempt sent before (9c), 10 no last unit (10a), or for untried ones alone
(10b), 11 older ones left proven (11a), a refused one superseded (11b), 12 a stranger's secret on the last units.
Two more, of the same kind: 13 sending when the lease is over (U2); 14 older ones superseded by an acceptance that proves nothing.
Not expressed: of 4, the order by wall clocks, since the model has none.
*/

#ifndef NP
#define NP 1
#endif
#ifndef B
#define B 3
#endif
#ifndef T
#define T (B+2)
#endif
#ifndef NV
#define NV 2
#endif
#ifndef I
#define I (B-2)
#endif
#ifdef MUTATION_7
#define NU (2*B) /* two logins of B units each, both of one PSA user */
#else
#define NU B
#endif
#ifdef SPLIT
#define SPLITS 1
#else
#define SPLITS 0
#endif

/* A unit's state. */
#define FREE    0
#define HELD    1
#define LOST    2
#define FAILED  3
#define UNKNOWN 4
/* What became of its request. DONE: judged or never, and no answer comes. */
#define IDLE     0
#define SENT     1
#define SAYS_YES 2
#define SAYS_NO  3
#define SAYS_NEITHER 4
#define DONE     5
/* A credential's state. */
#define UNTRIED    0
#define NOVERDICT  1
#define PROVEN     2
#define REFUSED    3
#define SUPERSEDED 4
/* How a process stands with the store. OVER: its lease has ended. */
#define UP   0
#define CUTOFF 1
#define OVER 2

typedef Unit {
	unsigned st : 3;
	unsigned ph : 3;
	unsigned by : 2;	/* the process, from 1, that waits for the answer or keeps the unit; 0: nobody */
	unsigned cred : 2;
	unsigned alone : 1;
	unsigned wasp : 1;	/* was_proven */
	unsigned spared : 1;	/* P was refused since this attempt of N was sent, and N was not accepted since */
	unsigned read : 10	/* seen, as a set: bits of units, then of credentials */
};
typedef Cred {
	unsigned st : 3;
	unsigned rank : 3;	/* among the refused ones; 1 was refused longest ago */
	unsigned age : 3;	/* a greater one became N later */
	unsigned bad : 1	/* refused, and nothing has spoken for it since: only to check R */
};
typedef Process {
	unsigned link : 2;
	unsigned read : 10
};

Unit u[NU];
Process pr[4];
#ifdef RULES
Cred cr[NV+1];	/* the last is nobody's */
unsigned N : 2;
unsigned A : 2;	/* NV: none yet */
unsigned valid : 2;
bit open;	/* the gate */
#endif
unsigned ours : 4;	/* failures of ours that the PSA counts */
unsigned outer : 3;	/* failures of others that the PSA counts */
unsigned op : 2;	/* the operator: 0 away, 1 was shown the state, 2 has unlocked */
unsigned shown : 10;
bit benign;
byte ghost[4];	/* requests under way that no unit stands for; only mutations have them */

/* What follows from the rest, counted anew after each step. */
unsigned n : 4;		/* not free */
unsigned held : 4;
unsigned lost : 4;
bit alone;		/* an alone attempt is held */

#ifdef SHORTEST /* a breadth-first search wants them seen, so each step leaves them at 0 */
byte x, c, i, j, tries, ok, wasP, newer, al, late;
short m;
#else
hidden byte x, c, i, j, tries, ok, wasP, newer, al, late;
hidden short m;
#endif

#define UNITS ((1 << NU) - 1)
#define CREDS (((1 << NV) - 1) << NU)

/* Sorting, counting, and giving what no rule asks about any more one value. */
c_decl {
	static int bit_of(int set, int k) { return set >> k & 1; }
	static int swapped(int set, int a, int b) {
		return bit_of(set, a) == bit_of(set, b) ? set : set ^ (1 << a | 1 << b);
	}
}
c_code {
	static int key(int k) {
		struct Unit *q = &now.u[k];
		int w, in = 0, ones = 0;
		for (w = 0; w < NU; w++) {
			in += bit_of(now.u[w].read, k);
			ones += bit_of(q->read, w);
		}
		in = in << 4 | bit_of(now.pr[1].read, k) << 3 | bit_of(now.pr[2].read, k) << 2 | bit_of(now.pr[3].read, k) << 1 | bit_of(now.shown, k);
		return q->st << 27 | q->ph << 24 | q->by << 22 | q->cred << 20 | q->alone << 19 | q->wasp << 18 | q->spared << 17
			| (q->read >> NU & 7) << 14 | ones << 10 | in;
	}
	static void exchange(int a, int b) {
		int w;
		struct Unit t = now.u[a];
		now.u[a] = now.u[b];
		now.u[b] = t;
		for (w = 0; w < NU; w++)
			now.u[w].read = swapped(now.u[w].read, a, b);
		for (w = 1; w < 4; w++)
			now.pr[w].read = swapped(now.pr[w].read, a, b);
		now.shown = swapped(now.shown, a, b);
	}
	static void sort_units(void) {
		int a, k, t, keys[NU];
		for (a = 0; a < NU; a++)
			keys[a] = key(a);
		for (a = 1; a < NU; a++)
			for (k = a; k > 0 && keys[k - 1] > keys[k]; k--) {
				exchange(k - 1, k);
				t = keys[k], keys[k] = keys[k - 1], keys[k - 1] = t;
			}
	}
	static void count(void) {
		int k;
		now.n = now.held = now.lost = now.alone = 0;
		for (k = 0; k < NU; k++) {
			now.n += now.u[k].st != FREE;
			now.held += now.u[k].st == HELD;
			now.lost += now.u[k].st == LOST;
			now.alone |= now.u[k].st == HELD && now.u[k].alone;
		}
	}
#ifdef RULES
	/* dense turns ranks into 1, 2, 3 in the same order. */
	static void dense(void) {
		int k, d, ranks[NV], ages[NV];
		for (k = 0; k < NV; k++) {
			if (now.cr[k].st != REFUSED)
				now.cr[k].rank = 0;
			ranks[k] = now.cr[k].rank != 0;
			ages[k] = 1;
			for (d = 0; d < NV; d++) {
				ranks[k] += now.cr[k].rank && now.cr[d].st == REFUSED && now.cr[d].rank && now.cr[d].rank < now.cr[k].rank;
				ages[k] += now.cr[d].age < now.cr[k].age;
			}
		}
		for (k = 0; k < NV; k++) {
			now.cr[k].rank = ranks[k];
#ifdef BACK
			now.cr[k].age = ages[k];
#endif
		}
	}
#ifndef BACK
	/* forget: an old version with nothing under way is never asked about again. */
	static void forget(void) {
		int k, w, used;
		for (k = 0; k < now.N; k++) {
			for (used = k == now.A, w = 0; w < NU; w++)
				used |= now.u[w].by && now.u[w].cred == k || now.u[w].ph == SENT && now.u[w].cred == k;
			if (used)
				continue;
			now.cr[k].st = SUPERSEDED;
			now.cr[k].bad = 0;
			for (w = 0; w < NU; w++)
				if (now.u[w].by && now.u[w].ph != IDLE)
					now.u[w].read |= 1 << (NU + k);
			for (w = 1; w <= NP; w++)
				now.pr[w].read |= SPLITS << (NU + k);
		}
	}
#endif
#endif
	/* For pan -r: the state after each step of a trail. */
	static void tell(void) {
#ifdef TRACE
		static char *states[] = {"free", "held", "lost", "failed", "unknown"}, *answers[] = {"", " sent", " yes", " no", " neither", " done"};
		int k;
		Printf("PSA %d+%d", now.ours, now.outer);
#ifdef RULES
		static char *creds[] = {"untried", "no-verdict", "proven", "refused", "superseded"};
		Printf(" valid %d  N %d A %d gate %s ", now.valid, now.N, now.A, now.open ? "open" : "shut");
		for (k = 0; k < NV; k++)
			Printf(" %d:%s", k, creds[now.cr[k].st]);
#endif
		for (k = 0; k < NU; k++)
			if (now.u[k].st)
				Printf(" | %s%s cred %d by %d%s%s read %x", states[now.u[k].st], answers[now.u[k].ph], now.u[k].cred, now.u[k].by,
					now.u[k].alone ? " alone" : "", now.u[k].spared ? " spared" : "", now.u[k].read);
		for (k = 1; k <= NP; k++)
			Printf(" | p%d link %d read %x", k, now.pr[k].link, now.pr[k].read);
		if (now.op)
			Printf(" | operator %d shown %x", now.op, now.shown);
		Printf("\n");
#endif
	}
	static void canonical(void) {
#ifdef RULES
#ifndef BACK
		forget();
#endif
		dense();
#endif
		sort_units();
		count();
		tell();
	}
}

/* S. */
inline Safe() {
	c_code { canonical(); };
#ifdef MUTATION_7
	assert(ours <= B && ours + outer < T)
#else
	assert(ours <= n && n <= B && ours + outer < T)
#endif
}

/* Each step ends here. */
inline Settled() {
	Safe();
#ifdef SHORTEST
	x = 0; c = 0; i = 0; j = 0; wasP = 0; newer = 0; al = 0; late = 0; m = 0
#endif
}

#define RECORDED(k) (u[k].st == FAILED || u[k].st == UNKNOWN)
#define KNOWS(set, k) (((set) >> (k)) & 1)

/* Unread: nobody has read what is recorded of bit k now, or there is nothing of it any more. */
inline Unread(k) {
	m = 1023 - (1 << (k));
	for (j : 0 .. NU-1) { u[j].read = u[j].read & m }
	for (j : 1 .. NP) { pr[j].read = pr[j].read & m }
	if
	:: k < NU -> shown = shown & m
	:: else
	fi
}

/* Read: process p reads the login's seq. */
inline Read(p) {
	m = CREDS;
	for (j : 0 .. NU-1) {
		if
		:: RECORDED(j) -> m = m | (1 << j)
		:: else
		fi
	}
	pr[p].read = m
}

/* Blank: what a unit's request was, when nothing asks for it any more. */
inline Blank(k) {
#if !defined(NORESET) && !defined(PASS)
	u[k].cred = 0; u[k].wasp = 0
#else
	skip
#endif
}

/* Deaf: no answer to unit k's request can come; the PSA may still judge it. */
inline Deaf(k) {
	if
	:: u[k].ph != SENT -> u[k].ph = DONE; Blank(k)
	:: else
	fi;
	u[k].by = 0; u[k].alone = 0; u[k].spared = 0; u[k].read = 0
}

inline Free(k) {
#ifdef GHOSTS
	if
	:: u[k].ph == SENT && ghost[u[k].cred] < 2 -> ghost[u[k].cred]++
	:: else
	fi;
#endif
	u[k].st = FREE; u[k].ph = IDLE; u[k].by = 0; u[k].cred = 0; u[k].alone = 0; u[k].wasp = 0; u[k].spared = 0; u[k].read = 0;
	Unread(k)
}

/* GiveBack: process p gives the units back that it keeps and does not use. */
inline GiveBack(p) {
	for (i : 0 .. NU-1) {
		if
		:: u[i].st == HELD && u[i].by == p && u[i].ph == IDLE && !u[i].alone -> Free(i)
		:: else
		fi
	}
}

#ifdef RULES
#define P_IS(k) (A == k && cr[k].st == PROVEN)
#define HAS_P   (cr[A].st == PROVEN)
#else
#define P_IS(k) 0
#endif

inline Send(k) {
	u[k].ph = SENT;
	u[k].wasp = P_IS(u[k].cred);
#ifndef NORESET
	u[k].wasp = 0;
#endif
	u[k].read = pr[u[k].by].read;
#ifdef MUTATION_2
	if
	:: ghost[u[k].cred] < 2 -> ghost[u[k].cred]++
	:: else
	fi;
#endif
}

/* Take: U1 for credential k; what is not split is sent at once (U2). x is the unit. */
inline Take(p, k, isalone) {
	x = 0;
	do
	:: u[x].st == FREE -> break
	:: else -> x++
	od;
	u[x].st = HELD; u[x].by = p; u[x].cred = k; u[x].alone = isalone;
	Read(p);
#ifdef RULES
	if
	:: isalone && k < NV && cr[k].st == UNTRIED -> cr[k].st = NOVERDICT
	:: else
	fi;
#endif
#ifndef SPLIT
	Send(x);
	pr[p].read = 0
#endif
}

/* ---- verdicts (unit k) ---- */

inline Forgive(k) {
	for (i : 0 .. NU-1) {
		if
#ifdef MUTATION_4
		:: RECORDED(i) && i != k -> Free(i)
#elif defined(NORESET)
		:: u[i].st == UNKNOWN && KNOWS(u[k].read, i) && u[i].cred == u[k].cred && u[i].wasp -> Free(i)
#else
		:: RECORDED(i) && KNOWS(u[k].read, i) && i != k -> Free(i)
#endif
		:: else
		fi
	}
}

/* Back: the unit is free, or kept for the next call. */
inline Back(k, keep) {
	if
	:: keep -> u[k].ph = IDLE; u[k].read = 0; u[k].spared = 0; u[k].wasp = 0
	:: else -> Free(k)
	fi
}

#ifdef RULES
inline Supersede(k) {
	for (i : 0 .. NV-1) {
		if
#ifdef MUTATION_11b
		:: cr[i].age < cr[k].age -> cr[i].st = SUPERSEDED
#else
		:: cr[i].age < cr[k].age && cr[i].st != REFUSED -> cr[i].st = SUPERSEDED
#endif
		:: else
		fi
	}
}
#endif

inline Prove(k) {
#ifdef RULES
	c = u[k].cred;
	for (i : 0 .. NU-1) {
		if
		:: u[i].cred == c -> u[i].spared = 0
		:: else
		fi
	}
	newer = 0;
	for (i : 0 .. NV-1) {
		if
		:: cr[i].st == PROVEN && cr[i].age > cr[c].age -> newer = 1
		:: else
		fi
	}
	if
	:: c < NV && KNOWS(u[k].read, NU + c) && !newer ->
		if
		:: A != c -> GiveBack(u[k].by)
		:: else
		fi;
		cr[c].st = PROVEN; cr[c].bad = 0; A = c;
#ifndef MUTATION_11a
		Supersede(c)
#endif
#ifdef MUTATION_14
	:: c < NV && !(KNOWS(u[k].read, NU + c) && !newer) -> Supersede(c)
#endif
	:: else
	fi;
	open = 1
#else
	skip
#endif
}

inline Accepted(k, keep) {
	Forgive(k);
	Prove(k);
	Back(k, keep)
}

inline Blame(k) {
#ifdef RULES
	c = u[k].cred;
	open = 1;
	if
	:: c < NV ->
		wasP = P_IS(c);
		if
#ifndef MUTATION_9c
		:: c == N && u[k].spared
#endif
		:: else ->
			cr[c].st = REFUSED; cr[c].rank = 7; cr[c].bad = 1;
			if
			:: !late -> Unread(NU + c)
			:: else -> /* with the unit's own seq: who has read that has read this */
				m = NU + c;
				for (i : 0 .. NU-1) {
					u[i].read = u[i].read & (1023 - ((1 - KNOWS(u[i].read, k)) << m))
				}
				for (i : 1 .. NP) {
					pr[i].read = pr[i].read & (1023 - ((1 - KNOWS(pr[i].read, k)) << m))
				}
		fi
		fi;
		if
#ifdef MUTATION_9a
		:: 0 ->
#elif defined(MUTATION_9b)
		:: wasP ->
#else
		:: wasP && N != c ->
#endif
			cr[N].st = UNTRIED; cr[N].bad = 0;
			for (i : 0 .. NU-1) {
				if
				:: u[i].cred == N && u[i].by != 0 && u[i].ph != IDLE && i != k -> u[i].spared = 1
				:: else
				fi
			}
		:: else
		fi
	:: else
	fi
#else
	skip
#endif
}

inline Refused(k) {
	late = (u[k].st == UNKNOWN);
	if
	:: !late -> Unread(k)
	:: else
	fi;
	Blame(k);
	GiveBack(u[k].by);
	u[k].st = FAILED; u[k].ph = DONE; u[k].by = 0; u[k].alone = 0; u[k].spared = 0; u[k].read = 0;
	Blank(k)
}

inline Neither(k, keep) {
	if
#ifdef RULES
	:: u[k].cred < NV && cr[u[k].cred].st != PROVEN && u[k].st != UNKNOWN ->
		u[k].st = UNKNOWN; Deaf(k); Unread(k)
	:: u[k].cred < NV && cr[u[k].cred].st != PROVEN && u[k].st == UNKNOWN -> Deaf(k)
	:: else -> open = 1; Back(k, keep)
#else
	:: u[k].st != UNKNOWN -> Back(k, keep)
	:: else -> Free(k)
#endif
	fi
}

inline NoAnswer(k) {
	x = u[k].by;
#ifdef RULES
	open = 0;
#endif
	Deaf(k);
#ifdef MUTATION_1
	u[k].st = UNKNOWN; Unread(k);
#else
	u[k].st = LOST;
#endif
	GiveBack(x)
}

/* ---- the PSA ---- */

inline Counts(k, good) {
	if
	:: good ->
#ifndef NORESET
		ours = 0; outer = 0;
#endif
		u[k].ph = SAYS_YES
	:: else -> ours++; u[k].ph = SAYS_NO
	fi;
	if
	:: u[k].by == 0 -> u[k].ph = DONE; Blank(k)
	:: else
	fi
}

/* ---- who may send ---- */

#ifdef RULES
#define SERVE   (HAS_P && open && (n < I || (held == 0 && n < B-1)))
#define PROBE   (HAS_P && !open && n < B-1 && !alone)
#define AGAIN   (cr[N].st == NOVERDICT && n < B-1 && !alone)
#ifdef MUTATION_10a
#define FIRST   (cr[N].st == UNTRIED && n < B-1 && !alone)
#else
#define FIRST   (cr[N].st == UNTRIED && n < B && !alone)
#endif
#ifdef MUTATION_8
#define BESIDE 1
#else
#define BESIDE (!HAS_P)
#endif
#define RECHECK (cr[N].st == REFUSED && BESIDE && held == 0 && n < B-1)
#define OLDEST  ((cr[A].st == REFUSED && cr[A].rank < cr[N].rank) -> A : N)
#if defined(MUTATION_10a) || defined(MUTATION_10b)
#define LAST    0
#else
#define LAST    (held == 0 && lost == 0 && n == B-1)
#endif
#define LAST_P  (LAST && HAS_P)
#define LAST_N  (LAST && cr[N].st == NOVERDICT)

#ifdef PASS
/* A stranger's wrong secret (credential NV) is tried alone, while n < B-2 and no unit is charged to the stranger. */
#define CHARGED(k) (u[k].st != FREE && u[k].cred == NV)
#if NU > 4
#define CHARGES (CHARGED(0) + CHARGED(1) + CHARGED(2) + CHARGED(3) + CHARGED(4))
#else
#define CHARGES (CHARGED(0) + CHARGED(1) + CHARGED(2) + CHARGED(3))
#endif
#ifdef MUTATION_12
#define STRANGER (n < B && !alone)
#else
#define STRANGER (n < B-2 && !alone && CHARGES == 0)
#endif
#endif

/* Benign: from here on nothing changes but by the guard, and it is free to choose well. Where L1 or L2 promise it, a caller is served. */
inline Benign() {
	ok = 0; tries = 0;
	do
	:: ok || tries > 3*B -> break
	:: else ->
		tries++; al = 1;
		if
		:: SERVE && A == valid -> ok = 1; c = NV
		:: else ->
			if
			:: PROBE && A == valid -> c = A
			:: LAST_P && A == valid -> c = A
			:: else ->
				if
				:: N == valid && (FIRST || AGAIN || LAST_N) -> c = N
				:: else ->
					if
					:: RECHECK && OLDEST == valid -> c = valid
					:: else ->
						if
						:: SERVE -> c = A; al = 0
						:: else ->
							if
							:: PROBE || LAST_P -> c = A
							:: else ->
								if
								:: FIRST || AGAIN || LAST_N -> c = N
								:: else ->
									if
									:: RECHECK -> c = OLDEST
									:: else -> break
									fi
								fi
							fi
						fi
					fi
				fi
			fi
		fi;
		if
		:: c < NV ->
			Take(1, c, al);
			if
			:: SPLITS -> Send(x)
			:: else
			fi;
			Counts(x, u[x].cred == valid);
			if
			:: u[x].ph == SAYS_YES ->
				Accepted(x, 0);
#ifdef NORESET
				ok = 1
#endif
			:: else -> Refused(x)
			fi;
			Safe()
		:: else
		fi
	od;
	assert(ok)
}

#define KNOWN (valid == N || valid == A)
#ifdef MUST
#define PROMISED 1
#else
#define PROMISED (L1 || L2)
#endif
#ifdef PASS
#define L1 (P_IS(valid) && n - CHARGES < B-1) /* a stranger costs one unit at most, and never the last */
#define L2 0
#else
#define L1 (n < B && cr[valid].st != REFUSED)
#define L2 (n <= B-3)
#endif
#endif

#ifdef MUST
#define SERVED_BY(k) (u[k].ph == SAYS_YES && !u[k].alone)
#if NU > 4
#define SERVED (SERVED_BY(0) || SERVED_BY(1) || SERVED_BY(2) || SERVED_BY(3) || SERVED_BY(4))
#elif NU > 3
#define SERVED (SERVED_BY(0) || SERVED_BY(1) || SERVED_BY(2) || SERVED_BY(3))
#else
#define SERVED (SERVED_BY(0) || SERVED_BY(1) || SERVED_BY(2))
#endif
#define STUCK  !(SERVE || PROBE || LAST_P || FIRST || AGAIN || LAST_N || RECHECK)
#define WORLD !benign
#else
#define WORLD 1
#endif

/* ---- the steps, one for each unit, process and credential ---- */

#ifdef RULES
#define JUDGE(k) \
	:: d_step { u[k].ph == SENT -> Counts(k, u[k].cred == valid); Settled() }
#else
#define JUDGE(k) \
	:: d_step { u[k].ph == SENT -> Counts(k, 1); Settled() } \
	:: d_step { u[k].ph == SENT -> Counts(k, 0); Settled() }
#endif

#define HEARD(k) (u[k].by != 0 && pr[u[k].by].link == UP)
#define ANSWER(k) \
	:: d_step { HEARD(k) && u[k].ph == SAYS_YES && !(benign && !u[k].alone) -> Accepted(k, 0); Settled() } \
	:: d_step { HEARD(k) && u[k].ph == SAYS_NO -> Refused(k); Settled() }
#ifdef SPLIT
#define KEEP(k) \
	:: d_step { HEARD(k) && u[k].ph == SAYS_YES && u[k].st == HELD && !u[k].alone -> Accepted(k, 1); Settled() }
#ifdef MUTATION_13
#define LEASED(k) 1
#else
#define LEASED(k) (pr[u[k].by].link != OVER)
#endif
#define STEPWISE(k) \
	:: d_step { u[k].ph == IDLE && u[k].by != 0 && LEASED(k) -> Send(k); Settled() } \
	:: d_step { u[k].st == HELD && u[k].ph == IDLE && HEARD(k) && !u[k].alone -> Free(k); Settled() }
#else
#define KEEP(k)
#define STEPWISE(k)
#endif
#ifdef LOSS
#define LOSE(k) \
	:: d_step { WORLD && u[k].st == HELD && HEARD(k) && u[k].ph != IDLE -> NoAnswer(k); Settled() }
#else
#define LOSE(k)
#endif
#if defined(LOSS) || defined(KILL) || defined(CUT)
#define LINGER(k) \
	:: d_step { u[k].st == LOST -> u[k].st = UNKNOWN; Unread(k); Lingered(k); Settled() }
#else
#define LINGER(k)
#endif
#ifdef NEUTRAL
#define NEITHER(k) \
	:: d_step { WORLD && u[k].ph == SENT && u[k].by != 0 -> u[k].ph = SAYS_NEITHER; Settled() } \
	:: d_step { HEARD(k) && u[k].ph == SAYS_NEITHER -> Neutral(k); Settled() }
#else
#define NEITHER(k)
#endif

inline Lingered(k) {
	if
	:: u[k].ph == SENT -> u[k].ph = DONE; Deaf(k)
#ifndef MUTATION_13 /* whoever kept it unsent has no lease for it any more */
	:: u[k].ph == IDLE -> u[k].ph = DONE; Deaf(k)
#endif
	:: else
	fi
}

inline Neutral(k) {
#ifdef MUTATION_3
	Accepted(k, 0)
#else
	Neither(k, 0)
#endif
}

#define UNIT(k) JUDGE(k) ANSWER(k) KEEP(k) STEPWISE(k) LOSE(k) LINGER(k) NEITHER(k)

inline Killed(p) {
	for (i : 0 .. NU-1) {
		if
		:: u[i].by == p && u[i].st == HELD ->
			Deaf(i);
#ifdef MUTATION_1
			u[i].st = UNKNOWN; Unread(i)
#else
			u[i].st = LOST
#endif
		:: u[i].by == p && u[i].st != HELD -> Deaf(i)
		:: else
		fi
	}
	pr[p].read = 0; pr[p].link = UP
}

/* Silent: the lease of p is over and it was silent for ttl; whoever sees that marks its units. They may still be answered. */
inline Silent(p) {
	for (i : 0 .. NU-1) {
		if
		:: u[i].by == p && u[i].st == HELD ->
#ifdef MUTATION_5a
			Free(i)
#elif defined(MUTATION_5b)
			u[i].st = UNKNOWN; u[i].alone = 0; Unread(i)
#else
			u[i].st = LOST; u[i].alone = 0
#endif
		:: else
		fi
	}
}

/* Healed: p has the store again. What it kept and did not use was marked in the meantime: by its token it is free. */
inline Healed(p) {
	for (i : 0 .. NU-1) {
		if
		:: u[i].by == p && u[i].st == LOST && u[i].ph == IDLE -> Free(i)
		:: else
		fi
	}
	pr[p].link = UP;
	Read(p)
}

#ifdef RULES
#define TAKES(p) \
	:: d_step { pr[p].link == UP && SERVE && SERVES -> Take(p, A, 0); Settled() } \
	:: d_step { pr[p].link == UP && (PROBE || LAST_P) -> Take(p, A, 1); Settled() } \
	:: d_step { pr[p].link == UP && (FIRST || AGAIN || LAST_N) -> assert(!(cr[N].bad && HAS_P)); Take(p, N, 1); Settled() } \
	:: d_step { pr[p].link == UP && RECHECK -> c = OLDEST; Take(p, c, 1); Settled() }
#else
#define TAKES(p) \
	:: d_step { pr[p].link == UP && n < NU -> Take(p, 0, 0); Settled() }
#endif
#ifndef SERVES
#define SERVES 1
#endif
#ifdef SPLIT
#define BEAT(p) :: d_step { pr[p].link == UP -> Read(p); Settled() }
#else
#define BEAT(p)
#endif
#ifdef KILL
#define DIES(p) :: d_step { WORLD -> Killed(p); Settled() }
#else
#define DIES(p)
#endif
#ifdef CUT
#define CUTS(p) \
	:: d_step { pr[p].link == UP -> pr[p].link = CUTOFF; Settled() } \
	:: d_step { pr[p].link == CUTOFF -> pr[p].link = OVER; Settled() } \
	:: d_step { pr[p].link == OVER -> Silent(p); Settled() } \
	:: d_step { pr[p].link != UP -> Healed(p); Settled() }
#else
#define CUTS(p)
#endif
#define PROCESS(p) TAKES(p) BEAT(p) DIES(p) CUTS(p)

#ifdef BACK
#define VERSION(k) \
	:: d_step { WORLD && valid != k -> valid = k; Settled() } \
	:: d_step { WORLD && N != k -> Newest(k); Settled() }
#else
#define VERSION(k) \
	:: d_step { WORLD && valid < k && valid + 1 == k -> valid = k; Settled() } \
	:: d_step { WORLD && N < k && N + 1 == k -> Newest(k); Settled() }
#endif

inline Newest(k) {
	N = k;
#ifdef BACK
	cr[k].age = 7;
	if
	:: cr[k].st == SUPERSEDED -> cr[k].st = UNTRIED
	:: else
	fi
#endif
}

#ifdef GHOSTS
#ifdef RULES
#define GHOST(k) \
	:: d_step { ghost[k] > 0 && valid == k -> ghost[k]--; ours = 0; outer = 0; Settled() } \
	:: d_step { ghost[k] > 0 && valid != k -> ghost[k]--; ours++; Settled() }
#else
#define GHOST(k) \
	:: d_step { k == 0 && ghost[k] > 0 -> ghost[k]--; ours = 0; outer = 0; Settled() } \
	:: d_step { k == 0 && ghost[k] > 0 -> ghost[k]--; ours++; Settled() }
#endif
#else
#define GHOST(k)
#endif

inline Show() {
	for (j : 0 .. NU-1) {
		if
		:: RECORDED(j) -> shown = shown | (1 << j)
		:: else
		fi
	}
	op = 1
}

inline Release() {
	for (i : 0 .. NU-1) {
		if
#ifdef MUTATION_6b
		:: RECORDED(i) -> Free(i)
#else
		:: RECORDED(i) && KNOWS(shown, i) -> Free(i)
#endif
#ifdef MUTATION_6a
		:: u[i].st == LOST -> Free(i)
#endif
		:: else
		fi
	}
	shown = 0; op = 0;
#ifdef RULES
	open = 0
#endif
}

inline Nothing() {
	c_code {
		memset(now.u, 0, sizeof now.u);
		memset(now.pr, 0, sizeof now.pr);
		memset(now.ghost, 0, sizeof now.ghost);
		now.ours = now.outer = now.op = now.shown = now.benign = 0;
		now.n = now.held = now.lost = now.alone = 0;
#ifdef RULES
		memset(now.cr, 0, sizeof now.cr);
		now.N = now.A = now.valid = now.open = 0;
#endif
	}
}

active proctype World() {
	d_step {
#ifdef RULES
		open = 1; A = NV;
		for (i : 0 .. NV-1) { cr[i].age = i + 1 }
#if defined(MUST) || defined(PASS)
		A = 0; cr[0].st = PROVEN;
#endif
#endif
		Settled()
	}
	do
	UNIT(0)
	UNIT(1)
	UNIT(2)
#if NU > 3
	UNIT(3)
#endif
#if NU > 4
	UNIT(4)
#endif
#if NU > 5
	UNIT(5)
#endif
	PROCESS(1)
#if NP > 1
	PROCESS(2)
#endif
#if NP > 2
	PROCESS(3)
#endif
#ifdef RULES
#ifndef PASS
	VERSION(0)
	VERSION(1)
#if NV > 2
	VERSION(2)
#endif
#else
	:: d_step { STRANGER -> Take(1, NV, 1); Settled() }
#endif
	:: d_step { held == 0 && lost == 0 && KNOWN && !benign && PROMISED ->
#ifdef MUST
		benign = 1; Settled() }
	:: d_step { benign && held == 0 && STUCK -> assert(false) }
	:: d_step { benign && SERVED -> Nothing() } -> break
#else
		Benign(); Nothing() } -> break
#endif
#endif
	GHOST(0)
	GHOST(1)
	GHOST(2)
#ifdef OUTSIDE
	:: d_step { outer + 1 + B < T -> outer++; Settled() }
#endif
#ifdef RELEASE
	:: d_step { WORLD && op == 0 -> Show(); Settled() }
	:: d_step { WORLD && op == 1 -> ours = 0; outer = 0; op = 2; Settled() }
	:: d_step { WORLD && op == 2 -> Release(); Settled() }
#endif
	od
}
