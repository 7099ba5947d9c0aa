package signin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuertest"
)

func TestStrangersDoNotFillTheLogWithAnswersThatBelongToNobody(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for range 2 * linesAMinute {
		b.open("/psagate/callback/corp?state=x&code=y")
		b.do(http.MethodPost, "/psagate/backchannel/corp", url.Values{"logout_token": {"a.b.c"}})
	}
	if n := strings.Count(w.logged(), "\n"); n != linesAMinute {
		t.Errorf("%d lines", n)
	}
	if n := len(w.told(Refused)) + len(w.told(LogoutRefused)); n != 4*linesAMinute {
		t.Errorf("%d of all were told", n) // the audit log bounds them itself
	}
	w.later(time.Minute)
	b.open("/psagate/callback/corp?state=x&code=y")
	if got := w.logged(); strings.Count(got, "\n") != linesAMinute+1 || !strings.Contains(got, "left_out=300") {
		t.Errorf("the next minute: %s", got[strings.LastIndex(strings.TrimSpace(got), "\n")+1:])
	}
}

func TestAPersonWhoIsNotLetInIsLoggedWhateverStrangersDo(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Groups = []string{"nobody"} })
	b := w.browser()
	for range 2 * linesAMinute {
		b.open("/psagate/callback/corp?state=x&code=y")
	}
	w.at("ann", b.open("/x"), http.StatusForbidden, "Not for this account")
	if !strings.Contains(w.logged(), "subject=ann") {
		t.Error("nothing is said of ann")
	}
}

func TestASubjectThatIsNoNameIsNotTheStoresFault(t *testing.T) {
	w := newWorld(t)
	for _, sub := range []string{"ann ", "an\nn", "ann\u202e"} {
		w.liar.Lie(issuertest.Lies{User: map[string]any{"sub": sub, "email": "ann@example.com"}})
		w.at(sub, w.browser().open("/x"), http.StatusForbidden, "does not prove who you are")
	}
	if got := w.told(Refused); len(got) != 3 || got[0].Why != WrongAnswer || strings.Contains(w.logged(), "store") {
		t.Errorf("%+v: %s", got, w.logged())
	}
}
