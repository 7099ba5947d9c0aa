package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
)

// lively has live pages look at once.
func (w *world) lively() *world {
	w.console.pace = pace{look: 2 * time.Millisecond, beat: 5 * time.Millisecond, stay: 3 * time.Millisecond}
	return w
}

// follower is a page that is live.
type follower struct {
	w     *world
	lines *bufio.Scanner
	stop  context.CancelFunc
	resp  *http.Response
}

var liveAddress = regexp.MustCompile(`data-live="([^"]*)"`)

// follow opens the stream of a page, as its script does.
func (b *browser) follow(page string, headers ...string) *follower {
	b.w.Helper()
	found := liveAddress.FindStringSubmatch(b.opened(page).body)
	if found == nil {
		b.w.Fatalf("%s is not live", page)
	}
	return b.stream(html.UnescapeString(found[1]), headers...)
}

func (b *browser) stream(address string, headers ...string) *follower {
	b.w.Helper()
	ctx, stop := context.WithCancel(b.w.Context())
	b.w.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.w.server.URL+"/console/"+address, nil)
	if err != nil {
		b.w.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := b.Do(r)
	if err != nil {
		b.w.Fatal(err)
	}
	b.w.Cleanup(func() { _ = resp.Body.Close() })
	return &follower{w: b.w, lines: bufio.NewScanner(resp.Body), stop: stop, resp: resp}
}

// next is the next event of a kind, by its id and data; ok is false where the stream has ended.
func (f *follower) next(kind string) (id string, data string, ok bool) {
	of := ""
	for f.lines.Scan() {
		name, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			of = value
		case "data":
			if data = value; of == kind {
				return id, data, true
			}
		}
	}
	return "", "", false
}

// page is the next one that says what the page says now.
func (f *follower) page() (id string, e event) {
	f.w.Helper()
	id, data, ok := f.next("page")
	if !ok {
		f.w.Fatal("the stream has ended")
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		f.w.Fatal(err)
	}
	return id, e
}

func TestALivePageSaysWhatHasChanged(t *testing.T) {
	w := newWorld(t).lively()
	ann := w.browser()
	w.set(func() { w.status.Logins = []report.LoginStatus{served("main")} })
	f := ann.follow("/console/")
	if kind := f.resp.Header.Get("Content-Type"); kind != "text/event-stream" || f.resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("it is %s", kind)
	}
	f.next("beat") // and nothing before it: the page shows what there is
	w.set(func() { w.status.Logins[0].State = report.LoginLocked; w.status.Logins[0].Problems = []string{evil} })
	id, e := f.page()
	if e.Headline != "The PSA has locked main." || e.Danger != report.DangerLocked || !strings.Contains(e.Body, "psagate release main") {
		t.Errorf("%+v", e)
	}
	f.stop()
	// Who comes back and has it all hears nothing, who has not hears it all.
	back := ann.stream(pageLive+"?page=&shown=old", "Last-Event-ID: "+id)
	back.next("beat")
	w.set(func() { w.status.Logins[0].State = report.LoginServing })
	if _, e := back.page(); e.Headline != "Nothing is about to be locked." {
		t.Errorf("%+v", e)
	}
	if got, e := ann.stream(pageLive+"?page=", "Last-Event-ID: "+id).page(); got == id || e.Headline != "Nothing is about to be locked." {
		t.Errorf("%+v", e)
	}
	if a := ann.do(http.MethodHead, "/console/live?page=", nil); a.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %d", a.StatusCode)
	}
	w.says("a page that is not live", ann.open("/console/live?page=settings"), http.StatusNotFound)
}

func TestALivePageSaysThatItIsOldWhereNothingCanBeRead(t *testing.T) {
	w := newWorld(t).lively()
	f := w.browser().follow("/console/failures")
	f.next("beat")
	w.set(func() { w.broken = errors.New("it is away") })
	if _, _, ok := f.next("old"); !ok {
		t.Error("it does not say so")
	}
	w.set(func() { w.broken = nil })
	if _, _, ok := f.next("beat"); !ok {
		t.Error("it does not come back")
	}
}

func TestALivePageOfALoginKnowsWhich(t *testing.T) {
	w := newWorld(t).lively()
	ann := w.browser()
	w.set(func() { w.status.Logins = []report.LoginStatus{served("main"), served("a b/&c")} })
	f := ann.follow("/console/" + loginAt("a b/&c"))
	f.next("beat")
	w.set(func() { w.status.Logins[1].Problems = []string{"look here"} })
	if _, e := f.page(); !strings.Contains(e.Body, "look here") {
		t.Errorf("%+v", e)
	}
}

func TestALivePageEndsWithItsSessionAndKeepsItFromNothing(t *testing.T) {
	w := newWorld(t).lively()
	ann := w.browser()
	f := ann.follow("/console/")
	sessions, err := w.keeper.List(t.Context())
	if err != nil || len(sessions) != 1 {
		t.Fatal(sessions, err)
	}
	for range 7 { // hours in which the page is open, and comes back each time
		w.set(func() { w.at = w.at.Add(time.Hour) })
		if _, _, ok := f.next("beat"); !ok {
			t.Fatal("the stream has ended")
		}
		f.stop()
		f = ann.stream(pageLive + "?page=")
	}
	if again, _ := w.keeper.List(t.Context()); len(again) != 1 || !again[0].Seen.Equal(sessions[0].Seen) {
		t.Fatalf("the session was used: %+v", again)
	}
	w.set(func() { w.at = w.at.Add(time.Hour) })
	if _, _, ok := f.next("over"); !ok {
		t.Error("it is not told that the session has ended")
	}
	if _, _, ok := f.next("beat"); ok {
		t.Error("the stream goes on")
	}
	if again := ann.stream(pageLive + "?page="); again.resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("who comes back hears %d", again.resp.StatusCode)
	}
	f = ann.follow("/console/") // signed in anew
	sessions, _ = w.keeper.List(t.Context())
	if _, err := w.keeper.End(t.Context(), session.Which{ID: sessions[0].ID}); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := f.next("over"); !ok {
		t.Error("it is not told that an operator has ended the session")
	}
}

// A store that is away for a moment has signed nobody out: whoever is told so stays with a page that is not live any more.
func TestALivePageComesBackAfterTheStoreWasAway(t *testing.T) {
	w := newWorld(t).lively()
	ann := w.browser()
	f := ann.follow("/console/")
	f.next("beat")
	w.set(func() { w.away = errors.New("the database restarts") })
	if _, _, ok := f.next("over"); ok {
		t.Error("it is told that the session has ended")
	}
	if again := ann.stream(pageLive + "?page="); again.resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("who comes back meanwhile hears %d", again.resp.StatusCode)
	}
	w.set(func() { w.away = nil })
	if _, _, ok := ann.stream(pageLive + "?page=").next("beat"); !ok {
		t.Error("who comes back after it hears nothing")
	}
}

func TestSoManyLivePagesThereAreAndNoMore(t *testing.T) {
	w := newWorld(t).lively()
	ann := w.browser()
	var all []*follower
	for range maxPerSession {
		all = append(all, ann.follow("/console/"))
	}
	if f := ann.follow("/console/"); f.resp.StatusCode != http.StatusTooManyRequests || f.resp.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", f.resp.StatusCode)
	}
	all[0].stop()
	for { // its place is free once it has ended
		f := ann.follow("/console/")
		if f.resp.StatusCode == http.StatusOK {
			all[0] = f
			break
		}
		w.now()
	}
	if f := w.browser().follow("/console/"); f.resp.StatusCode != http.StatusOK {
		t.Errorf("another person: %d", f.resp.StatusCode)
	} else {
		all = append(all, f)
	}
	w.console.Close()
	w.console.Close()
	for _, f := range all {
		if _, _, ok := f.next("nothing"); ok {
			t.Error("there is such an event")
		}
	}
	if f := ann.follow("/console/"); f.resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("after the end: %d", f.resp.StatusCode)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := newStreams()
	for n := range maxStreams {
		if !s.begin(fmt.Sprint(n / maxPerSession)) {
			t.Fatalf("there is no room for the one after %d", n)
		}
	}
	if s.begin("another") {
		t.Error("there is no bound")
	}
	for n := range maxStreams {
		s.end(fmt.Sprint(n / maxPerSession))
	}
	if len(s.of) != 0 || s.all != 0 || !s.begin("another") {
		t.Errorf("%d left of %v", s.all, s.of)
	}
}

// wire is a connection of which it is known until when it may be written to.
type wire struct {
	*httptest.ResponseRecorder
	wrote chan struct{}
	until time.Time
	once  sync.Once
}

func (w *wire) SetWriteDeadline(t time.Time) error { w.until = t; return nil }

func (w *wire) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.wrote) })
	return w.ResponseRecorder.Write(p)
}

func TestWhatComesAfterAStreamOnItsConnectionHasItsOwnTime(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	ann.opened("/console/")
	site, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+"/live?page=", nil)
	for _, c := range ann.Jar.Cookies(site) {
		r.AddCookie(c)
	}
	to := &wire{ResponseRecorder: httptest.NewRecorder(), wrote: make(chan struct{})}
	go func() { <-to.wrote; leave() }()
	if w.gate.ServeHTTP(to, r); !strings.Contains(to.Body.String(), "event: page") || !to.until.IsZero() {
		t.Errorf("it may be written to until %s: %s", to.until, to.Body)
	}
}
