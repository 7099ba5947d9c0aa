package console

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // the script
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
)

// A live page has its script ask for a stream of server-sent events (HTML, section 9.2), each of which holds the page's whole content
// where it has changed. So whoever comes back after an interruption has it all with the first one.

//go:embed live.js
var scriptText string

var script = newFile(fileScript, "text/javascript; charset=utf-8", scriptText)

// pace is how often what is done. It is the same for all but tests.
type pace struct {
	// look is the time between two looks at what is shown, beat the longest for which a stream is silent, and stay the time between two looks
	// whether the person is signed in still.
	look, beat, stay time.Duration
}

var usualPace = pace{look: 2 * time.Second, beat: 15 * time.Second, stay: 5 * time.Second}

// lessThan is the share of the time that a page may be made in, for each who looks: one in so many.
const lessThan = 20

// writeWithin is how long a browser may take for an event.
const writeWithin = 20 * time.Second

// event is what the script gets.
type event struct {
	Title    string        `json:"title"`
	Headline string        `json:"headline"`
	Danger   report.Danger `json:"danger"`
	Body     string        `json:"body"`
	At       string        `json:"at"`
}

// Close ends the live pages, and lets none begin any more: a server that stops waits for whoever is there.
func (c *Console) Close() { c.streams.close() }

// liveAt is the address of the stream of a page that shows something already.
func liveAt(page string, query url.Values, shown content) string {
	asked := url.Values{"page": {page}, "shown": {shown.id()}}
	for _, name := range [...]string{"name", "since", "from"} {
		if query.Has(name) {
			asked.Set(name, query.Get(name))
		}
	}
	return pageLive + "?" + asked.Encode()
}

// live answers with what a page says from now on, until the person is not signed in any more.
func (c *Console) live(v *visit) {
	show, ok := c.lives[v.r.URL.Query().Get("page")]
	if !ok {
		c.message(v, http.StatusNotFound, "No such page", "There is no live page of that name.")
		return
	}
	if v.r.Method != http.MethodGet {
		c.message(v, http.StatusOK, "A live page", "What it says is for scripts, and goes on.")
		return
	}
	if !c.streams.begin(v.Session.ID) {
		v.w.Header().Set("Retry-After", "30")
		c.message(v, http.StatusTooManyRequests, "Too many live pages", "Close some, or reload the page for news.")
		return
	}
	defer c.streams.end(v.Session.ID)
	h := v.w.Header()
	guarded(h)
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // for proxies before us
	s := &stream{visit: v, to: http.NewResponseController(v.w), last: cmp.Or(v.r.Header.Get("Last-Event-ID"), v.r.URL.Query().Get("shown"))}
	c.run(s, show)
}

// stream is one live page.
type stream struct {
	*visit
	to   *http.ResponseController
	last string // id of what the browser shows
	old  bool   // what it shows cannot be read now
}

func (c *Console) run(s *stream, show func(*http.Request) (content, error)) {
	look, beat, stay := time.NewTicker(c.pace.look), time.NewTicker(c.pace.beat), time.NewTicker(c.pace.stay)
	defer look.Stop()
	defer beat.Stop()
	defer stay.Stop()
	defer s.to.SetWriteDeadline(time.Time{}) //nolint:errcheck // as below; what comes next on the connection has its own time
	err := s.write("retry: 3000\n\n")
	if err == nil {
		err = c.tell(s, show)
	}
	for err == nil {
		select {
		case <-s.r.Context().Done():
			return
		case <-c.streams.ended:
			return // the browser comes back, to whatever is there then
		case <-look.C:
			began := time.Now()
			err = c.tell(s, show)
			look.Reset(max(c.pace.look, lessThan*time.Since(began))) // of a page that takes long it is made less often
		case <-beat.C:
			what := "beat"
			if s.old { // and how old it is, it says already
				what = "old"
			}
			err = s.write("event: " + what + "\ndata: " + c.cfg.Now().UTC().Format(moment) + "\n\n")
		case <-stay.C:
			switch gone := s.Alive(s.r.Context()); {
			case errors.Is(gone, session.ErrNone), errors.Is(gone, session.ErrOver):
				_ = s.write("event: over\ndata: over\n\n")
				return
			case gone != nil:
				return // it is not known, so nothing more is shown; the browser comes back, and finds out
			}
		}
	}
}

// tell sends what the page says, where that is not what the browser shows.
func (c *Console) tell(s *stream, show func(*http.Request) (content, error)) error {
	what, err := show(s.r)
	if s.old = err != nil; s.old { // it shows what it showed
		return nil //nolint:nilerr // the next look may find it
	}
	id := what.id()
	if id == s.last {
		return nil
	}
	data, err := json.Marshal(event{what.Title, what.Headline, what.Danger, string(what.Body), c.cfg.Now().UTC().Format(moment)})
	if err != nil {
		return err
	}
	s.last = id
	return s.write(fmt.Sprintf("id: %s\nevent: page\ndata: %s\n\n", id, data))
}

// write sends a piece at once. Where a browser does not take it in time, that is the end of it.
func (s *stream) write(text string) error {
	_ = s.to.SetWriteDeadline(time.Now().Add(writeWithin)) // not every server can
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.to.Flush()
}

// id tells what is on a page from what was on it before.
func (c content) id() string {
	sum := sha256.New()
	_ = json.NewEncoder(sum).Encode([]string{c.Title, c.Headline, string(c.Danger), string(c.Body)})
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
