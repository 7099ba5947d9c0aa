package main

import "time"

// chapter is a part of the story: what is done to the world, and what must come of it.
type chapter struct {
	title    string
	about    string
	steps    []step
	promises []promise
}

// step is something that happens in a chapter; its line is told when it has.
type step struct {
	after time.Duration
	says  string
	do    func(*scene) error
}

// story is what the demo tells.
var story = []chapter{
	{
		title: "Without psagate",
		about: "A program signs in to the PSA itself. Nobody told it of the new password.",
		steps: []step{
			{0, "7 calls with last month's password", direct("last month's", threshold)},
			{0, "1 call with this month's", direct("this month's", 1)},
		},
		promises: []promise{most("failed sign-ins until the PSA locks", threshold, untilLocked)},
	},
	{
		title: "Normal traffic",
		about: "Four integrations call through psagate, each with a key of its own.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{3 * time.Second, "they stop", end},
		},
		promises: []promise{busy, allServed, failedAtMost(0), noMislaid},
	},
	{
		title: "The password changes: in the store first, in the PSA later",
		about: "psagate tries the new one once. It is too early, so the old one serves on.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{time.Second, "the store gets the new password", inStore("password-2")},
			{4 * time.Second, "the PSA gets it", inPSA("password-2")},
			{2 * time.Second, "they stop", end},
		},
		promises: []promise{busy, allServed, failedAtMost(1 + inFlight), inBudget, noMislaid},
	},
	{
		title: "The password changes: in the PSA first, in the store 10 s later",
		about: "Three calls are on their way and fail. The rest wait for the store.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{time.Second, "the PSA gets the new password", inPSA("password-3")},
			{10 * time.Second, "the store gets it", inStore("password-3")},
			{3 * time.Second, "they stop", end},
		},
		promises: []promise{busy, allServed, failedAtMost(inFlight), inBudget, noMislaid},
	},
	{
		title: "One integration has a wrong key",
		about: "rmm still has a key that was replaced. The PSA must not hear of it.",
		steps: []step{
			{0, "four integrations begin to call", beginWithWrongKey("rmm")},
			{3 * time.Second, "they stop", end},
		},
		promises: []promise{
			busy,
			most("calls of the other three not served", 0, unservedOfOthers("rmm")),
			least("calls of rmm turned away", 20, unservedOf("rmm")),
			most("sign-ins at the PSA beyond the calls served", 0, outcome.beyond),
			failedAtMost(0), noMislaid,
		},
	},
	{
		title: "One integration wants more than its policy permits",
		about: "reports may read. It hears which line of policy would let it open a ticket.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{0, "reports would open 5 tickets", overstep("reports", createTicket, 5)},
			{0, "it is told what would permit that", askForLine("reports", createTicket)},
			{0, "the line is in the policies", addLine("reports", createTicket)},
			{0, "reports opens 5 tickets", overstep("reports", createTicket, 5)},
			{time.Second, "they stop", end},
		},
		promises: []promise{
			busy,
			most("calls not served", 5, outcome.unserved),
			least("calls refused by policy", 5, toldPolicy),
			failedAtMost(0), noMislaid,
		},
	},
	{
		title: "A stampede on a dead password",
		about: "64 calls come while only the PSA has the new password. Three may find out.",
		steps: []step{
			{0, "the PSA gets a new password", inPSA("password-5")},
			{0, "64 calls at once", rush},
			{0, "their deadline: all have an answer", rushOver},
			{0, "the store gets the password", inStore("password-5")},
			{0, "four integrations begin to call", begin},
			{4 * time.Second, "they stop", end},
		},
		promises: []promise{
			busy,
			least("calls told credential-refused", stampede, toldRefused),
			most("calls not served after the store's change", 0, unservedOfOthers(crowd)),
			failedAtMost(inFlight), inBudget, noMislaid,
		},
	},
	{
		title: "The tenant moves to another zone",
		about: "To the PSA, a call in the wrong zone is a failed sign-in like any other.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{time.Second, "the tenant moves to the second zone", move},
			{3 * time.Second, "they stop", end},
		},
		promises: []promise{
			busy, allServed,
			least("calls served by the second zone", 20, servedBySecond),
			failedAtMost(inFlight), inBudget, noMislaid,
		},
	},
	{
		title: "Mail becomes tickets, and none is lost",
		about: "A mailbox takes mails by SMTP. The password changes, and one comes meanwhile.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{0, "a customer writes, with a picture", mailComes},
			{0, "and once more, about the same ticket", answerComes},
			{0, "the PSA gets a new password", inPSA("password-6")},
			{time.Second, "a mail comes, and is held", mailIsHeld},
			{3 * time.Second, "the store gets the password", inStore("password-6")},
			{0, "the mail is a ticket", mailIsTicket},
			{0, "the books of the mails balance", booksBalance},
			{time.Second, "they stop", end},
		},
		promises: []promise{
			busy, allServed,
			least(heldBack, 1, saw(heldBack)),
			least(becameTickets, 2, saw(becameTickets)),
			least(becameNotes, 1, saw(becameNotes)),
			least(pictures, 1, saw(pictures)),
			most(wrongTickets, 0, saw(wrongTickets)),
			most(missing, 0, saw(missing)),
			failedAtMost(inFlight), inBudget, noMislaid,
		},
	},
	{
		title: "A person looks: who is it that fails?",
		about: "Ann signs in by SSO. One page tells her, by name, before anybody asks around.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{0, "Ann signs in, and opens the console", annSignsIn},
			{time.Second, "the PSA gets a new password", inPSA("password-7")},
			{0, "Ann sees it, and who was refused", annSeesWho},
			{0, "the store gets the password", inStore("password-7")},
			{3 * time.Second, "they stop", end},
		},
		promises: []promise{
			busy, allServed,
			least("refusals that Ann sees by a program's name", 1, saw(named)),
			most("refusals that have no name", 0, saw(nameless)),
			failedAtMost(inFlight), inBudget, noMislaid,
		},
	},
	{
		title: "A person acts, and others may not",
		about: "Ann is an administrator, Bob may look, Eve and a forged cookie are nobody.",
		steps: []step{
			{0, "four integrations begin to call", begin},
			{0, "Bob would switch rmm off: no policy", bobTries},
			{0, "Eve comes, and two forged cookies", strangers},
			{0, "Ann's cookie opens no way for programs", keylessCall},
			{0, "Ann would, and must add a second factor", annAddsApp},
			{0, "she gives a code, and rmm is off", annSwitchesOff},
			{time.Second, "she switches it on again", annSwitchesOn},
			{0, "she follows a link to the wrong zone", wrongZone},
			{time.Second, "they stop", end},
			{0, "the audit log has who it was", annSigned},
		},
		promises: []promise{
			busy,
			most("calls of the other three not served", 0, unservedOfOthers("rmm")),
			least("calls of rmm told that it is switched off", 1, toldDisabled),
			least("refusals of Bob, with the line of policy", 1, saw(told)),
			least("strangers turned away", 3, saw(turnedAway)),
			least("calls with Ann's cookie alone turned away", 1, saw(keyless)),
			least("second factors asked for", 1, saw(askedFirst)),
			least("deeds in the audit log, with Ann's name", 2, saw(signedFor)),
			least("links that led to the right zone", 1, saw(landed)),
			failedAtMost(0), noMislaid,
		},
	},
}
