//go:build linux

package mail

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/psagate/psagate/internal/store"
)

// rowsOfStore are those of the books.
var rowsOfStore = []row{
	{no: 36, server: "Dovecot, store, PSA", at: "the books are lost after the ticket is made", run: func(w *matrix) {
		w.lost("before acknowledge")
		w.arrive(plain("a"))
	}},
	{no: 36, server: "Dovecot, store, PSA", at: "the books are lost in the midst of the files", run: func(w *matrix) {
		w.lost("after POST /Tickets/N/Attachments")
		w.arrive(withFiles("a", 2))
	}},
	{no: 36, server: "Dovecot, store, PSA", at: "the books are set back to a backup of before the ticket", run: func(w *matrix) {
		w.early = true
		backup := filepath.Join(w.Dir, "backup")
		w.at("after spool", func() {
			f, err := os.Create(backup)
			if err == nil {
				err = w.p.store.Backup(context.Background(), f)
				_ = f.Close()
			}
			if err != nil {
				w.Error(err)
			}
		})
		w.at("before acknowledge", w.die)
		w.between = func() {
			w.between = nil
			if _, err := store.Restore(context.Background(), backup, w.place().Place, w.place().Dir); err != nil {
				w.Fatal(err)
			}
		}
		w.arrive(plain("a"))
	}},
}

// lost has the process die at a point, and the next one find no books.
func (w *matrix) lost(point string) {
	w.early = true
	w.at(point, w.die)
	w.between = func() {
		w.between = nil
		if err := os.RemoveAll(filepath.Dir(w.place().Place)); err != nil {
			w.Fatal(err)
		}
	}
}

// fullDisk is the row of a full disk.
var fullDisk = row{no: 35, server: "Dovecot, SMTP intake, store", at: "the disk is full", run: func(w *matrix) {
	w.smallDisk()
	w.door = lowAddress(w)
	w.arrive(plain("a"))
	w.settle()
	w.fill()
	b, c := plain("b"), plain("c")
	w.arrive(b)
	w.until("the mailbox says that it cannot be kept", func() bool {
		s, is := w.p.reader.state()
		return is && (s.Problem != nil || s.Held > 0)
	})
	var codes []int
	w.until("by SMTP it is said, too", func() bool {
		codes = append(codes, w.bringsOnce(c))
		return slices.Contains(codes, 452)
	})
	if inbox := w.server.Folder("INBOX"); len(inbox) != 1 || inbox[0].Flags != "" || slices.Contains(codes, 250) {
		w.Errorf("SMTP said %v; the inbox has %+v", codes, inbox)
	}
	w.makeRoom()
	w.brings(c)
}}
