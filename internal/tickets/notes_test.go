package tickets

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/psatest"
)

func TestANoteIsMadeOnceAndKnownByItsLastLine(t *testing.T) {
	inWorld(t, func(w *world) {
		n := drive.Note{Ticket: 1, Title: "Re: printer", Text: "It still burns.\n\nRef: " + ref(1), Mark: "Ref: " + ref(1)}
		has := func(ticket int64, mark string, want bool) {
			t.Helper()
			if is, err := w.HasNote(w.Context(), ticket, mark); err != nil || is != want {
				t.Errorf("ticket %d, %s: %v %v", ticket, mark, is, err)
			}
		}
		has(1, n.Mark, false)
		if err := w.AddNote(w.Context(), n); err != nil {
			t.Fatal(err)
		}
		has(1, n.Mark, true)
		has(2, n.Mark, false)
		has(1, "Ref: "+ref(2), false)
		quoting := drive.Note{Ticket: 1, Title: "Re: Re: printer", Text: "> Ref: " + ref(3) + "\n\nRef: " + ref(2), Mark: "Ref: " + ref(2)}
		if err := w.AddNote(w.Context(), quoting); err != nil {
			t.Fatal(err)
		}
		has(1, "Ref: "+ref(3), false)
		long := drive.Note{Ticket: 1, Title: strings.Repeat("t", 300), Text: strings.Repeat("ü", 40_000), Mark: "Ref: " + ref(4)}
		if err := w.AddNote(w.Context(), long); err != nil {
			t.Fatal(err)
		}
		has(1, long.Mark, true)
		below := drive.Note{Ticket: 2, Title: "t", Text: "x\n\nRef: " + ref(7) + "\n\nRef: " + ref(8) + "\n\nThis came by mail.", Mark: "This came by mail."}
		if err := w.AddNote(w.Context(), below); err != nil { // what else writes notes may write below the mark
			t.Fatal(err)
		}
		has(2, "Ref: "+ref(8), true)
		has(2, "Ref: "+ref(7), false)
		for _, r := range w.tenant.Records("TicketNotes") {
			if r["publish"] != int64(1) || r["noteType"] != int64(3) {
				t.Errorf("%v", r)
			}
		}
		if err := w.AddNote(w.Context(), drive.Note{Ticket: 4711, Title: "t", Text: "x", Mark: "Ref: " + ref(5)}); !errors.Is(err, drive.ErrRefused) {
			t.Error(err)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Applied, Then: psatest.Reset, Times: 1, Path: "/Notes"})
		last := drive.Note{Ticket: 2, Title: "t", Text: "x", Mark: "Ref: " + ref(6)}
		if err := w.AddNote(w.Context(), last); err == nil || errors.Is(err, drive.ErrNotNow) || errors.Is(err, drive.ErrRefused) {
			t.Error(err)
		}
		idle()
		has(2, last.Mark, true)
	})
}

func TestAFileIsAttachedOnceAndKnownByItsTitle(t *testing.T) {
	inWorld(t, func(w *world) {
		long := "(2/2) " + strings.Repeat("n", 400) + ".pdf [abcdef]"
		for _, title := range []string{"(1/2) offer.pdf [abcdef]", long} {
			has := func(want bool) {
				t.Helper()
				if is, err := w.HasFile(w.Context(), 1, title); err != nil || is != want {
					t.Errorf("%s: %v %v", title, is, err)
				}
			}
			has(false)
			if err := w.Attach(w.Context(), drive.File{Ticket: 1, Title: title, Name: strings.Repeat("n", 300) + ".pdf", Type: "application/pdf", Data: []byte("%PDF")}); err != nil {
				t.Fatal(err)
			}
			has(true)
		}
		r := w.tenant.Records("TicketAttachments")[1]
		if r["data"] != "JVBERg==" || r["contentType"] != "application/pdf" || !strings.HasSuffix(r["fullPath"].(string), ".pdf") || !strings.HasSuffix(r["title"].(string), ".pdf [abcdef]") {
			t.Errorf("%v", r)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 500, Body: `{"errors":["The attachment exceeds the maximum size of 7000000 bytes."]}`, Path: "/Attachments"})
		if err := w.Attach(w.Context(), drive.File{Ticket: 1, Title: "large", Name: "large", Data: []byte("x")}); !errors.Is(err, drive.ErrRefused) {
			t.Error(err)
		}
	})
}

// The PSA takes 10 MB of files in five minutes, and after one too many none for five more: it is not asked for what it would refuse.
func TestThePSAsLimitOnFilesIsNotRunInto(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Attached = allowed })
		attached := 0
		for i := range 12 {
			err := w.Attach(w.Context(), drive.File{Ticket: 1, Title: string(rune('A' + i)), Name: "n", Data: make([]byte, 6_000_000)})
			switch {
			case err == nil:
				attached++
			case !errors.Is(err, drive.ErrNotNow):
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if attached < 2 {
			t.Errorf("%d files of 6 MB in 12 minutes", attached)
		}
		if n := len(w.tenant.Records("TicketAttachments")); n != attached {
			t.Errorf("%d files are there, and %d were attached", n, attached)
		}
	})
}
