package caddymodule

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/psagate/psagate/internal/call"
)

// listener is where a herald's events and log lines go.
type listener struct {
	herald
	got    []string
	logged strings.Builder
	hold   chan struct{} // what a handler waits for; nil: nothing
	app    *App
}

func newListener() *listener {
	l := &listener{app: new(App)}
	l.log = slog.New(slog.NewTextHandler(&l.logged, nil))
	l.app.emit = func(h call.Happening) {
		if l.hold != nil {
			<-l.hold
		}
		if h.Version == "panic" {
			panic("a handler's fault")
		}
		l.got = append(l.got, h.Version)
	}
	return l
}

func (l *listener) happen(from, to int) {
	for n := from; n <= to; n++ {
		l.Happened(call.Happening{Event: call.GateShut, Login: "main", Version: fmt.Sprint(n)})
	}
}

func numbers(from, to int) (all []string) {
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

func TestEventsWaitForTheConfigThatEmitsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener()
		l.happen(1, 3)
		synctest.Wait()
		if l.got != nil {
			t.Errorf("emitted without a config: %q", l.got)
		}
		l.through(l.app)
		l.happen(4, 5)
		synctest.Wait()
		l.leave(new(App)) // another config ends
		l.happen(6, 6)
		synctest.Wait()
		l.leave(l.app)
		l.happen(7, 7)
		synctest.Wait()
		if !slices.Equal(l.got, numbers(1, 6)) {
			t.Errorf("emitted %q", l.got)
		}
	})
}

func TestASlowHandlerHoldsUpNobodyAndWhatIsDroppedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener()
		l.hold = make(chan struct{})
		l.through(l.app)
		l.happen(0, 0)
		synctest.Wait() // it is being handled
		l.happen(1, eventsWaiting+3)
		if !strings.Contains(l.logged.String(), "events are dropped: their handlers take too long") || strings.Count(l.logged.String(), "\n") != 1 {
			t.Errorf("the log: %s", &l.logged)
		}
		close(l.hold)
		synctest.Wait()
		if !slices.Equal(l.got, numbers(0, eventsWaiting)) {
			t.Errorf("emitted %q", l.got)
		}
		if !strings.Contains(l.logged.String(), `msg="events were dropped" count=3`) {
			t.Errorf("the log: %s", &l.logged)
		}
	})
}

func TestAHandlerThatPanicsEndsItsEventAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener()
		l.through(l.app)
		l.Happened(call.Happening{Event: call.LoginLocked, Version: "panic"})
		l.happen(2, 3)
		synctest.Wait()
		if !slices.Equal(l.got, numbers(2, 3)) || !strings.Contains(l.logged.String(), "event=psa_login_locked panic=\"a handler's fault\"") {
			t.Errorf("emitted %q, and logged %s", l.got, &l.logged)
		}
	})
}

func TestAnEventHasTheDataThatItsTableNames(t *testing.T) {
	whole := call.Happening{Login: "main", Version: "3", Integration: "itglue", Zone: "https://z", Store: "file", Problem: call.Stale, Mailbox: "support", Notice: "ours", Done: "locked"}
	for event, want := range map[call.Event]string{
		call.GateShut:          "map[integration:itglue login:main version:3 zone:https://z]",
		call.ZoneMoved:         "map[login:main zone:https://z]",
		call.SecretUnavailable: "map[login:main problem:stale store:file]",
		call.SecretUnusable:    "map[login:main store:file version:3]",
		call.LockoutNoticed:    "map[done:locked login:main mailbox:support notice:ours]",
	} {
		whole.Event = event
		if got := fmt.Sprint(eventData(whole)); got != want {
			t.Errorf("%s: %s, want %s", event, got, want)
		}
	}
}

// comment returns a file's words that follow the first of them in a comment of the code, a line each.
func comment(t *testing.T, file, prefix string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "//\t"); ok && strings.HasPrefix(rest, prefix) {
			words := strings.Fields(rest)
			lines[words[0]] = words[1:]
		}
	}
	return lines
}

func TestTheAppsCommentListsEveryEvent(t *testing.T) {
	lines := comment(t, "app.go", eventPrefix)
	if len(lines) != len(eventFields) {
		t.Errorf("%d events in the comment, %d in the code", len(lines), len(eventFields))
	}
	for event, fields := range eventFields {
		words := lines[eventPrefix+string(event)]
		if len(words) < len(fields) || !slices.Equal(words[:len(fields)], fields) {
			t.Errorf("%s: the comment says %q, want the data %q first", event, words, fields)
		}
	}
}

func TestTheHandlersCommentsListEveryPlaceholder(t *testing.T) {
	in, n := map[string]map[string][]string{}, 0
	for handler, file := range map[string]string{setByIdentify: "identify.go", setByPolicy: "police.go", setByProxy: "proxy.go"} {
		in[handler] = comment(t, file, "{psa.")
		n += len(in[handler])
	}
	if n != len(placeholders) {
		t.Errorf("%d placeholders in the comments, %d in the code", n, len(placeholders))
	}
	for _, p := range placeholders {
		if got := strings.Join(in[p.from]["{"+p.name+"}"], " "); got != p.is {
			t.Errorf("{%s}: the comment says %q, the code %q", p.name, got, p.is)
		}
	}
}
