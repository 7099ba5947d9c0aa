package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// pageBytes is how long the page is that a zone of long pages answers with, at least.
const pageBytes = 200_000_000

// longPages is a PSA's zone that answers every query with one long page.
type longPages struct {
	*httptest.Server
	gzip bool
}

func newLongPages(t *testing.T) *longPages {
	z := new(longPages)
	z.Server = httptest.NewServer(z)
	t.Cleanup(z.Close)
	return z
}

// ServeHTTP implements http.Handler.
func (z *longPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch path := strings.ToLower(r.URL.Path); {
	case strings.HasSuffix(path, "/zoneinformation"):
		fmt.Fprintf(w, `{"zoneName":"Long","url":"%s/ATServicesRest/","webUrl":"%s/","ci":123456}`, z.URL, z.URL)
	case strings.HasSuffix(path, "/thresholdinformation"):
		_, _ = io.WriteString(w, `{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}`)
	case !strings.HasSuffix(path, "/query"):
		_, _ = io.WriteString(w, `{"item":{"id":1,"ticketNumber":"T1"}}`)
	case z.gzip:
		w.Header().Set("Content-Encoding", "gzip")
		packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		writePage(packed, z.URL, z.URL)
		_ = packed.Close()
	default:
		writePage(w, z.URL, z.URL)
	}
}

// writePage writes a long page whose next one is at base. Users wrote of the zone's own URL in every ticket.
func writePage(out io.Writer, base, zone string) {
	to := bufio.NewWriterSize(out, 64<<10)
	defer to.Flush()
	text := strings.Repeat(`what went wrong, \"quoted\" and \u00e4 `, 200)
	_, _ = to.WriteString(`{"items":[`)
	for id, written := 1, 0; written < pageBytes; id++ {
		if id > 1 {
			_ = to.WriteByte(',')
		}
		n, err := fmt.Fprintf(to, `{"id":%d,"title":"see %s/ATServicesRest/V1.0/Tickets/%d","description":"%s","nextPageUrl":"%s/ATServicesRest/"}`, id, zone, id, text, zone)
		if err != nil {
			return
		}
		written += n
	}
	_, _ = fmt.Fprintf(to, `],"pageDetails":{"count":1,"requestCount":500,"prevPageUrl":null,"nextPageUrl":"%s/ATServicesRest/V1.0/Tickets/query/next?paging=%%7B%%7D"}}`, base)
}
