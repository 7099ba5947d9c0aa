package call

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// dial connects to the gateway for a conversation by hand.
func (w *world) dial() io.ReadWriteCloser {
	w.Helper()
	c, err := w.net.DialContext(context.Background(), "tcp", "gateway.test:80")
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func TestABodyThatStopsComingIsA408AndReachesNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.dial()
		defer c.Close()
		start := time.Now()
		fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nContent-Length: 100\r\n\r\n{", w.keys["a"].Reveal())
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout || time.Since(start) != stall {
			t.Fatalf("%+v %v after %v", resp, err, time.Since(start))
		}
		if n := w.sim.Requests().Total; n != 0 {
			t.Errorf("%d requests reached the PSA", n)
		}
	})
}

func TestACallerWhoLeavesWhileSendingReachesNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.dial()
		fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nContent-Length: 100\r\n\r\n{", w.keys["a"].Reveal())
		c.Close()
		synctest.Wait()
		if n := w.sim.Requests().Total; n != 0 {
			t.Errorf("%d requests reached the PSA", n)
		}
	})
}

func TestAStrangerWhoSendsNoBodyIsAnsweredAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.dial()
		defer c.Close()
		start := time.Now()
		fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: none\r\nContent-Length: 100\r\n\r\n{")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || time.Since(start) > 0 {
			t.Errorf("%+v %v after %v", resp, err, time.Since(start))
		}
	})
}

func TestABodyThatCannotBeTakenIsNeverASuccess(t *testing.T) {
	head := "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\n"
	for name, c := range map[string]struct {
		rest   string
		status int
		reason string
	}{
		"malformed chunks":   {"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "bad-request"},
		"two encodings":      {"Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400, "bad-request"},
		"no gzip":            {"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400, "bad-request"},
		"an odd upgrade":     {"Connection: Upgrade\r\nUpgrade: w\xe9b\r\nContent-Length: 2\r\n\r\n{}", 500, ""},
		"a body for the bin": {fmt.Sprintf("Content-Length: %d\r\n\r\n%s", DefaultMaxBody+1, strings.Repeat("x", DefaultMaxBody+1)), 413, "too-large"},
	} {
		inWorld(t, func(w *world) {
			conn := w.dial()
			defer conn.Close()
			go fmt.Fprintf(conn, head+"%s", w.keys["a"].Reveal(), c.rest)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != c.status || resp.Header.Get("Psagate-Reason") != c.reason {
				t.Errorf("%s: %+v %v", name, resp, err)
			}
		})
	}
}

func TestWithoutRoomForABodyNothingIsSent(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	inWorld(t, func(w *world) {
		if a := w.call("a", "POST", "/Tickets", strings.Repeat("x", inMemory+1)); a.status != 503 || a.reason() != "store-unavailable" {
			t.Errorf("%d %s", a.status, a.reason())
		}
	})
}

func TestACallerWhoStallsDoesNotHoldUpTheEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.dial()
		defer c.Close()
		later(time.Second, w.g.Drain)
		start := time.Now()
		fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nContent-Length: 100\r\n\r\n{", w.keys["a"].Reveal())
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || time.Since(start) != time.Second {
			t.Errorf("%+v %v after %v", resp, err, time.Since(start))
		}
	})
}

func TestACallerWhoIsStillSendingAtAReloadIsServed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("renamed", user, "old-password")
		c := w.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nContent-Length: 13\r\n\r\n{", w.keys["a"].Reveal())
		synctest.Wait()
		w.cfg.Logins[0].Path = "renamed"
		w.load()
		w.served("b")
		fmt.Fprint(c, `"filter":[]}`)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%+v %v", resp, err)
		}
		w.safeNow()
	})
}

func TestACallerWhoLeavesInMidAnswerLeavesNothingBehind(t *testing.T) {
	inWorld(t, func(w *world) {
		var over atomic.Bool
		w.standIn(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, "{")
			http.NewResponseController(rw).Flush()
			<-r.Context().Done()
			over.Store(true)
		})
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := w.try(ctx, "a", "GET", "/Tickets/1", ""); err == nil {
			t.Error("no error")
		}
		synctest.Wait()
		if !over.Load() {
			t.Error("the connection to the PSA is still open")
		}
	})
}

func TestInterimAnswersAndTrailersShowNoSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		w.standIn(func(rw http.ResponseWriter, r *http.Request) {
			h := rw.Header()
			h.Set("Set-Cookie", "session=1")
			h.Set("Link", "<"+r.Header.Get("Secret")+">")
			rw.WriteHeader(http.StatusEarlyHints)
			h.Del("Set-Cookie")
			h.Del("Link")
			h.Set("Trailer", "X-Debug, Set-Cookie")
			io.WriteString(rw, "oops")
			h.Set("X-Debug", "sent "+r.Header.Get("Secret"))
			h.Set("Set-Cookie", "session=1")
		})
		req, _ := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		req.Header.Set("Secret", w.keys["a"].Reveal())
		req = req.WithContext(httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				if h.Get("Set-Cookie") != "" || strings.Contains(h.Get("Link"), "old-password") {
					t.Errorf("interim answer %v", h)
				}
				return nil
			},
		}))
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		if got := resp.Trailer.Get("X-Debug"); got != "sent [redacted]" || resp.Trailer.Get("Set-Cookie") != "" {
			t.Errorf("trailer %v", resp.Trailer)
		}
	})
}

func TestAnErrorThatOnlySaysThatItIsGzipPasses(t *testing.T) {
	inWorld(t, func(w *world) {
		w.standIn(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			rw.WriteHeader(http.StatusBadGateway)
			io.WriteString(rw, "<html>plain</html>")
		})
		if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 502 || a.body != "<html>plain</html>" || a.header.Get("Content-Encoding") != "" {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
	})
}

func TestWhateverHostIsCalledTheCallReachesItsLoginsZone(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, host := range []string{"webservices14.autotask.net", "WEBSERVICES2.Autotask.NET", "psa.example.com:8443"} {
			req, _ := http.NewRequest("GET", gatewayURL+"/atservicesrest//v1.0/TICKETS/1", nil)
			req.Host = host
			req.Header.Set("Secret", w.keys["a"].Reveal())
			if a, err := w.do(req); err != nil || a.status != 200 || !strings.Contains(a.body, `"ticketNumber"`) {
				t.Errorf("%s: %d %s %v", host, a.status, a.body, err)
			}
		}
		if n := len(w.sim.Ledger().Failed()); n != 0 {
			t.Errorf("%d failed sign-ins", n)
		}
	})
}

func TestALargeBodyIsKeptInAFileAndSentAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		later(time.Second, func() { w.safe.put("main", user, "new-password") })
		data := strings.Repeat("QUJD", 1<<20) // 3 MiB of "ABC"
		a := w.call("a", "POST", "/Tickets/1/Attachments", `{"id":0,"attachmentType":"FILE_ATTACHMENT","title":"t","fullPath":"t.txt","publish":1,"data":"`+data+`"}`)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if n := len(w.tenant.Records("TicketAttachments")); n != 1 {
			t.Errorf("%d attachments", n)
		}
		w.safeNow()
	})
}

// standIn puts a handler in the place of the zone's interfaces that need a sign-in.
func (w *world) standIn(h http.HandlerFunc) {
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/zoneInformation") || strings.Contains(r.URL.Path, "/ThresholdInformation") {
			w.z5.ServeHTTP(rw, r)
			return
		}
		h(rw, r)
	})}
	go srv.Serve(w.net.Listen("127.0.0.1:5005"))
	w.after = append(w.after, func() { srv.Close() })
}

func TestEarlyHintsAndTrailersReachTheCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		w.standIn(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Link", "</style.css>; rel=preload")
			rw.WriteHeader(http.StatusEarlyHints)
			rw.Header().Del("Link")
			rw.Header().Set("Trailer", "X-Checksum")
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, `{"item":null}`)
			rw.Header().Set("X-Checksum", "42")
		})
		var hints []int
		req, _ := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		req.Header.Set("Secret", w.keys["a"].Reveal())
		req = req.WithContext(httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints = append(hints, code); return nil },
		}))
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != `{"item":null}` || resp.Trailer.Get("X-Checksum") != "42" || len(hints) != 1 || hints[0] != http.StatusEarlyHints {
			t.Errorf("%s %v, trailer %v, hints %v", body, err, resp.Trailer, hints)
		}
	})
}

func TestAnAnswerThatBreaksOffIsSeenToBreakOff(t *testing.T) {
	for _, gzipped := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.GzipAnswers = gzipped })
			w.sim.Fault(psatest.Fault{At: psatest.Answering, Then: psatest.HangUp, Path: "/Tickets/query"})
			if a, err := w.try(context.Background(), "a", "POST", "/Tickets/query", `{"filter":[{"op":"gt","field":"id","value":0}]}`); err == nil {
				t.Errorf("%d, %d bytes, and no error", a.status, len(a.body))
			}
			if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget {
				t.Errorf("units %+v: the head was the verdict", l.Units)
			}
		})
	}
}

func TestWhatThePSASaysOfItsOwnHostDoesNotReachTheCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		w.standIn(func(rw http.ResponseWriter, r *http.Request) {
			h := rw.Header()
			h.Set("Set-Cookie", "session=1")
			h.Set("Strict-Transport-Security", "max-age=1")
			h.Set("Www-Authenticate", `Basic realm="x"`)
			h.Set("Location", "http://"+r.Host+"/ATServicesRest/V1.0/Tickets/2")
			h.Set("X-Powered-By", "ASP.NET")
			h.Set("Psagate-Reason", "policy")
			rw.WriteHeader(http.StatusFound)
		})
		a := w.call("a", "GET", "/Tickets/1", "")
		if a.status != http.StatusFound || a.header.Get("Location") != gatewayURL+"/ATServicesRest/V1.0/Tickets/2" {
			t.Errorf("%d %s", a.status, a.header.Get("Location"))
		}
		for _, name := range []string{"Set-Cookie", "Strict-Transport-Security", "Www-Authenticate", "X-Powered-By", "Psagate-Reason"} {
			if a.header.Get(name) != "" {
				t.Errorf("header %s passed", name)
			}
		}
	})
}

// HTTP/1.0 demands no Host. What cannot be led back to where it came to is not taken, and no address of this machine is told.
func TestACallThatNamesNoHostIsABadRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, path := range []string{"/ATServicesRest/V1.0/zoneInformation?user=x", "/ATServicesRest/V1.0/Tickets/1"} {
			conn := w.dial()
			fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nSecret: %s\r\n\r\n", path, w.keys["a"].Reveal())
			if status, reason, _ := heard(t, conn); status != 400 || reason != "bad-request" {
				t.Errorf("%s: %d %s", path, status, reason)
			}
			conn.Close()
		}
		if n := w.sim.Requests().Total; n != 0 {
			t.Errorf("%d requests reached the PSA", n)
		}
		w.way.PublicURL = "https://psa.example.com"
		conn := w.dial()
		defer conn.Close()
		fmt.Fprintf(conn, "GET /ATServicesRest/V1.0/zoneInformation?user=x HTTP/1.0\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.Contains(string(text), `"url":"https://psa.example.com/ATServicesRest/"`) {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	})
}
