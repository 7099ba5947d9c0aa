//go:build linux

package mail

import (
	"net/http"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/psatest"
)

// post is a fault of calls that make something; path is part of theirs.
func post(path string, f psatest.Fault) psatest.Fault {
	f.Method, f.Path, f.Times = http.MethodPost, path, 1
	return f
}

// rowsOfPSA are those of what is made there.
var rowsOfPSA = []row{
	{no: 8, server: "store, PSA", at: "the parser dies over it, each time", run: func(w *matrix) {
		w.at("read 1", w.die, w.die)
		l := plain("a")
		l.files = 1
		w.arrive(l)
		w.settle()
		if got := w.attached("original.eml"); string(got) != string(l.raw) {
			w.Errorf("the mail at its ticket: %q", got)
		}
	}},
	{no: 9, server: "PSA", at: "killed while it is routed", run: func(w *matrix) {
		w.at("after POST /Contacts/query", w.die)
		w.arrive(plain("a"))
	}},
	{no: 10, server: "store, PSA", at: "killed after the intent is written down", run: func(w *matrix) { w.at("after write in-flight 0", w.die); w.arrive(plain("a")) }},
	{no: 11, server: "PSA", at: "POST sent, not applied, no answer", run: func(w *matrix) {
		w.fault(post("/Tickets", psatest.Fault{At: psatest.Received, Then: psatest.Reset}))
		w.arrive(plain("a"))
	}},
	{no: 12, server: "PSA", at: "POST applied, the answer is cut off", run: func(w *matrix) {
		w.fault(post("/Tickets", psatest.Fault{At: psatest.Applied, Then: psatest.Reset}))
		w.arrive(plain("a"))
	}},
	{no: 12, server: "PSA", at: "POST applied, 500", run: func(w *matrix) {
		w.fault(post("/Tickets", psatest.Fault{At: psatest.Applied, Then: psatest.Answer}))
		w.arrive(plain("a"))
	}},
	{no: 12, server: "PSA", at: "POST applied, 502 of a middlebox", run: func(w *matrix) {
		w.fault(post("/Tickets", psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: http.StatusBadGateway, Body: "<html>bad gateway</html>"}))
		w.arrive(plain("a"))
	}},
	{no: 12, server: "PSA without externalID", at: "POST applied, the answer is cut off, and it is found by its description", run: func(w *matrix) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.NoExternalID = true })
		w.fault(post("/Tickets", psatest.Fault{At: psatest.Applied, Then: psatest.Reset}))
		w.arrive(plain("a"))
	}},
	{no: 11, server: "PSA", at: "POST refused by the thread limit, as a 500", run: func(w *matrix) {
		w.fault(post("/Tickets", psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Body: threadLimit}))
		w.arrive(plain("a"))
	}},
	{no: 13, server: "PSA", at: "POST applied 90 s after the answer was cut off", run: late(90*time.Second, false)},
	{no: 13, server: "PSA", at: "POST applied an hour later, which is after settle: flagged", run: late(time.Hour, true)},
	{no: 14, server: "store, PSA", at: "killed with the answer, before the id is written down", run: func(w *matrix) { w.at("after POST /Tickets", w.die); w.arrive(plain("a")) }},
	{no: 15, server: "PSA that merges", at: "POST is answered with another ticket's id", run: func(w *matrix) {
		w.arrive(plain("a"))
		w.settle()
		w.tenant.SetDuplicates(psatest.DuplicatesAppended)
		w.tenant.SetDuplicateTitles(true)
		again := plain("b")
		again.raw = []byte(strings.Replace(string(again.raw), "Printer token-b.", "Printer token-a.", 1))
		w.arrive(again)
		w.settle()
		w.arrive(answer("b", "c"))
		w.settle()
		rows := w.rows()
		if m := rows[1]; !m.Merged || m.Ticket != rows[0].Ticket || rows[2].Ticket != m.Ticket {
			w.Errorf("%+v", rows)
		}
		// The PSA has made a note of it: it is in the books as a ticket, which is there.
		if notes := w.notes("token-b."); len(notes) != 1 || len(w.tickets("token-b.")) != 0 {
			w.Errorf("%+v", notes)
		}
		w.merged("b")
	}},
	{no: 16, server: "store, PSA", at: "killed after the id is written down, before the files", run: func(w *matrix) { w.at("after write ready 1", w.die); w.arrive(withFiles("a", 2)) }},
	{no: 17, server: "PSA", at: "a file is attached, the answer is cut off", run: func(w *matrix) {
		w.fault(post("/Attachments", psatest.Fault{At: psatest.Applied, Then: psatest.Reset}))
		w.arrive(withFiles("a", 2))
	}},
	{no: 17, server: "store, PSA", at: "killed after a file is attached", run: func(w *matrix) {
		w.at("after POST /Tickets/N/Attachments", nil, w.die)
		w.arrive(withFiles("a", 3))
	}},
	{no: 18, server: "PSA", at: "the PSA takes no more files for 5 minutes", run: func(w *matrix) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Attached = fileSize + fileSize/2 })
		w.arrive(withFiles("a", 3))
	}},
	{no: 18, server: "PSA", at: "the PSA refuses a file", run: func(w *matrix) {
		w.fault(post("/Attachments", psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Body: `{"errors":["The attachment exceeds the maximum size."]}`}))
		l := withFiles("a", 2)
		l.files = 1
		w.arrive(l)
		w.settle()
		if notes := w.notes("1 of 2 files"); len(notes) != 1 {
			w.Errorf("%d notes say that a file is missing", len(notes))
		}
	}},
	{no: 34, server: "Vault, PSA", at: "the store of secrets is away for hours", run: func(w *matrix) {
		w.record.away.Store(true)
		w.outage = true
		w.arrive(plain("a"))
		w.until("it is kept all the same", func() bool { w.start(); return len(w.rows()) == 1 })
		for range 24 {
			w.works()
			w.p.asks()
			w.goOn(10 * time.Minute)
		}
		if m := w.rows()[0]; m.State.Ended() || len(w.tickets("token-a.")) > 0 || w.p.tickets.Down().IsZero() {
			w.Errorf("%+v", m)
		}
		w.record.away.Store(false)
		w.outage = false
	}},
	{no: 34, server: "Vault, Dovecot, PSA, mail service", at: "a real Vault is stopped for hours, from which all secrets come", run: vaultStopped},
	{no: 37, server: "PSA", at: "the clock is set back by a day, and forward", run: func(w *matrix) {
		w.at("before write in-flight 0", func() { w.goOn(-24 * time.Hour) })
		w.at("after write ready 1", func() { w.goOn(48 * time.Hour) })
		w.arrive(withFiles("a", 1))
	}},
	{no: 38, server: "PSA", at: "its alias is taken out of the config while it is under way", run: func(w *matrix) {
		w.at("after write in-flight 0", func() { w.route = away(w.route); w.die() })
		w.arrive(plain("a"))
	}},
	{no: 39, server: "Dovecot, store", at: "the process dies of it, every time, and others go on", run: func(w *matrix) {
		w.at("read 1", w.die, w.die, w.die, w.die)
		l := plain("a")
		l.want = ledger.Dead
		w.arrive(l)
		w.until("it is kept", func() bool { w.start(); return len(w.rows()) == 1 })
		w.arrive(plain("b"))
	}},
}

// threadLimit is what the PSA says where too many calls come at once: nothing was done.
const threadLimit = `{"errors":["Thread threshold of 3 threads has been exceeded. The request was not processed."]}`

// late has a ticket made some time after the connection was cut.
func late(by time.Duration, twice bool) func(w *matrix) {
	return func(w *matrix) {
		l := plain("a")
		l.twice = twice
		o := w.fault(post("/Tickets", psatest.Fault{At: psatest.Judged, Then: psatest.Later, Hold: true}))
		w.at("after POST /Tickets", func() {
			w.in(by, func() {
				before := len(w.tickets(l.token())) // now: it was sent again meanwhile
				o.Release()
				w.until("the PSA has made it", func() bool { return len(w.tickets(l.token())) > before })
			})
		})
		w.arrive(l)
	}
}

// merged takes a letter from those that are looked at, which the row has done itself: the PSA has it as a note, and the books as a ticket.
func (w *matrix) merged(id string) {
	for _, l := range w.letters {
		if l.id == id {
			l.merged = true
		}
	}
}
