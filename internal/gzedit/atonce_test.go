package gzedit

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// What works were used for before, and by whom, must not be seen: each of eight has a text of its own, and edits of all sorts
// that end, break off, and change nothing follow one another.
func TestEditsAtOnceKnowNothingOfEachOther(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			text := []byte(strings.Repeat(fmt.Sprintf("the text of %d, and of nobody else. ", i), 2000+500*i))
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, i+1)
			_, _ = z.Write(text)
			_ = z.Close()
			for _, e := range editors(len(text)) {
				whole, cut := b.Bytes(), b.Bytes()[:b.Len()/(2+i%3)]
				for _, in := range [][]byte{whole, cut, whole} {
					if err := check(in, bytes.NewReader(in), e.edit); err != nil {
						t.Errorf("text %d, an editor %s: %v", i, e.name, err)
					}
				}
			}
		})
	}
	all.Wait()
}
