//go:build unix

package mail

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/psagate/psagate/internal/imaptest"
)

// row is one of the crash matrix: where something breaks, or the process dies. A number may have several.
type row struct {
	no     int
	server string // what is real of the servers in it
	at     string // the kill point
	run    func(w *matrix)
	// options are Dovecot's.
	options imaptest.Options
}

// rowsOfAll are those of the crash matrix, which is the list of what a mail bridge must outlive.
const rowsOfAll = 39

// abreast is how many are run at once: each waits most of the time.
const abreast = 8

// TestTheCrashMatrix runs each row with real servers: Dovecot, the store, a gateway, and the simulated PSA with its mail service. What
// holds afterwards is read from Dovecot's folders and from what the PSA has, and then the books must say the same. In package drive
// the same rows are run on what is in memory, which is quick.
func TestTheCrashMatrix(t *testing.T) {
	t.Parallel()
	all := slices.Concat(rowsOfIMAP, rowsOfMoves, rowsOfMarks, rowsOfPSA, rowsOfService, rowsOfDoor, rowsOfStore, rowsOfProcesses)
	var mu sync.Mutex
	var ran []row
	leftOut := map[int]bool{} // for a real part that is not there
	var running sync.WaitGroup
	places := make(chan struct{}, abreast)
	for _, r := range all {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(fmt.Sprintf("%d %s", r.no, r.at), func(t *testing.T) {
				defer func() {
					if t.Skipped() {
						mu.Lock()
						defer mu.Unlock()
						leftOut[r.no] = true
					}
				}()
				w := newMatrix(t, r.options)
				r.run(w)
				w.settle()
				w.check()
				mu.Lock()
				defer mu.Unlock()
				ran = append(ran, r)
			})
		})
	}
	running.Wait()
	slices.SortStableFunc(ran, func(a, b row) int { return a.no - b.no })
	done := map[int]bool{}
	for _, r := range ran {
		done[r.no] = true
		t.Logf("row %2d  %-24s %s", r.no, r.server, r.at)
	}
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // somebody looks at some of them
	}
	for no := 1; no <= rowsOfAll; no++ {
		if !done[no] && !leftOut[no] {
			t.Errorf("row %d did not run to its end", no)
		}
	}
}
