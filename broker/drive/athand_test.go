package drive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"pgregory.net/rapid"
)

// manyFiles is a mail of so many files, the n-th of n bytes more than a thousand.
func manyFiles(n int) string {
	var b strings.Builder
	b.WriteString("From: jo@acme.example\nTo: support@msp.example\nSubject: Files\nMessage-ID: <4@acme.example>\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSome files.\n")
	for i := range n {
		fmt.Fprintf(&b, "--b\nContent-Type: text/csv; name=%d.csv\nContent-Disposition: attachment; filename=%[1]d.csv\n\n%s\n", i, strings.Repeat("1", 1000+i))
	}
	b.WriteString("--b--\n")
	return b.String()
}

// readings counts how often the bytes of a mail are read, each of which is followed by taking it apart.
type readings struct {
	ledger.Ledger
	n int
}

func (r *readings) Raw(ctx context.Context, id int64) ([]byte, error) {
	r.n++
	return r.Ledger.Raw(ctx, id)
}

func TestAMailIsTakenApartOnceHoweverManyFilesItHas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		atHand *AtHand
		again  bool // by a process that has not understood it
		want   int
	}{
		{"as it is understood", new(AtHand), false, 1},
		{"by a process that goes on with it", new(AtHand), true, 2},
		{"without a memory", nil, false, 1 + 25},
		{"with files that do not fit", &AtHand{Most: 1000}, false, 1 + 25},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.arrive(manyFiles(25))
			books := &readings{Ledger: books{w.book, w}}
			d := w.driver()
			d.Ledger, d.AtHand = books, c.atHand
			for w.run(d) > 0 {
				if c.again && books.n == 1 {
					d.AtHand = new(AtHand)
				}
			}
			if f := w.files(25).files; len(f[24].Data) != 1024 {
				t.Errorf("the largest file has %d bytes", len(f[24].Data))
			}
			if books.n != c.want {
				t.Errorf("the mail was read %d times, not %d", books.n, c.want)
			}
			if d.AtHand != nil && (d.AtHand.size != 0 || len(d.AtHand.mails) != 0) {
				t.Errorf("%d bytes are kept of a mail that is done with", d.AtHand.size)
			}
		})
	}
}

// What is larger than the PSA takes is not attached, and takes no room.
func TestAFileThatIsNotTriedIsNotAtHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(manyFiles(2))
	d := w.driver()
	d.FileMost, d.AtHand = 1000, new(AtHand)
	w.run(d)
	if d.AtHand.size == 0 || d.AtHand.size > 1024+512 {
		t.Errorf("%d bytes are kept, of one file of 1,000", d.AtHand.size)
	}
}

func TestWhatNobodyAsksForIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a AtHand
		data := []byte("1,2")
		a.keep(1, data)
		time.Sleep(atHandFor - time.Second)
		if _, have := a.file(1, sha256.Sum256(data)); !have {
			t.Fatal("it is forgotten already")
		}
		time.Sleep(atHandFor - time.Second) // since it was asked for
		if _, have := a.file(1, sha256.Sum256(data)); !have {
			t.Fatal("it is forgotten, although it was asked for")
		}
		time.Sleep(atHandFor + time.Second)
		if _, have := a.file(1, sha256.Sum256(data)); have || a.size != 0 {
			t.Errorf("%d bytes are still kept", a.size)
		}
	})
}

// TestModelAtHand: whatever is kept and dropped, there is never more than the bound, nor any other file than the one that is asked for.
func TestModelAtHand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := &AtHand{Most: 100}
		last := map[int64][][]byte{} // what was kept of each mail last
		file := func(t *rapid.T) []byte {
			return bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, 60).Draw(t, "size"))
		}
		mail := rapid.Int64Range(1, 4)
		t.Repeat(map[string]func(*rapid.T){
			"keep": func(t *rapid.T) {
				id, files := mail.Draw(t, "mail"), rapid.SliceOfN(rapid.Custom(file), 1, 3).Draw(t, "files")
				a.keep(id, files...)
				last[id] = files
			},
			"drop": func(t *rapid.T) {
				id := mail.Draw(t, "mail")
				a.drop(id)
				delete(last, id)
			},
			"": func(t *rapid.T) {
				held := 0
				for id := range int64(5) {
					have := 0
					for _, f := range last[id] {
						if data, is := a.file(id, sha256.Sum256(f)); is {
							have++
							held += cap(data)
							if !bytes.Equal(data, f) {
								t.Fatalf("another file")
							}
						}
					}
					if have != 0 && have != len(last[id]) || len(last[id]) == 0 && a.mails[id] != nil {
						t.Fatalf("of mail %d %d files of %d are kept", id, have, len(last[id]))
					}
				}
				if held != a.size || a.size > a.Most {
					t.Fatalf("%d bytes are kept, %d are counted, and %d are the most", held, a.size, a.Most)
				}
			},
		})
		for id := range last {
			a.drop(id)
		}
		if a.size != 0 || len(a.mails) != 0 {
			t.Fatalf("%d bytes are left", a.size)
		}
	})
}
