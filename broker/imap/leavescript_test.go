package imap_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/imap"
)

// leaving has the server say what it says of an inbox whose mails stay there, and answer a few commands otherwise.
func leaving(s *script, opened string, answers map[string]string) imap.Mailbox {
	s.says = func(verb, rest string) (string, bool) {
		if verb == "SELECT" {
			return "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] so\r\n" + opened + "%t OK done\r\n", true
		}
		for command, answer := range answers {
			if strings.HasPrefix(verb+" "+rest, command) {
				return answer + "%t OK done\r\n", true
			}
		}
		return "", false
	}
	m := s.mailbox()
	m.LeaveSince, m.Poll = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), time.Minute
	return m
}

const keepsMarks = "* OK [PERMANENTFLAGS (\\Deleted \\*)] so\r\n* OK [UIDNEXT 3] so\r\n"

func TestAServerThatKeepsNoMarksIsNotRead(t *testing.T) {
	for name, opened := range map[string]string{
		"flags of its own":         "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $MDNSent)] so\r\n",
		"for reading alone":        "* OK [PERMANENTFLAGS ()] so\r\n",
		"of which it says nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, b := newScript(string(mailText)), newBooks()
				s, stop := run(t, leaving(server, opened, nil), b)
				defer stop()
				synctest.Wait()
				p := s.State().Problem
				if p == nil || p.Stage != imap.Opening || !strings.Contains(p.Error(), "keeps no marks of our own") || !strings.Contains(p.Error(), "have them moved to folders") {
					t.Errorf("%v", p)
				}
				if len(b.all()) != 0 || server.count("UID SEARCH") != 0 || server.count("LIST") != 0 {
					t.Error("it was read, or asked for folders")
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // one that has no room for others keeps the one that is there
		s, stop := run(t, leaving(newScript(), "* OK [PERMANENTFLAGS (\\Deleted psagatedone)] so\r\n", nil), newBooks())
		defer stop()
		synctest.Wait()
		if s.State().Complete.IsZero() {
			t.Error(s.State().Problem)
		}
	})
}

const mailText = "From: a@example.test\r\nSubject: x\r\n\r\nHelp\r\n"

func TestWhatAServerSaysOfMarksIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		marked  bool
		problem string
	}{
		"it is marked":      {map[string]string{"UID SEARCH UID 3 KEYWORD": "* SEARCH 3\r\n"}, true, ""},
		"it has gone":       {map[string]string{"UID SEARCH UID 3 ": "* SEARCH\r\n"}, false, ""},
		"it is not marked":  {map[string]string{"UID SEARCH UID 3 KEYWORD": "* SEARCH\r\n", "UID SEARCH UID 3 ": "* SEARCH 3\r\n"}, false, "the mark is not there"},
		"another is marked": {map[string]string{"UID SEARCH UID 3 KEYWORD": "* SEARCH 2\r\n", "UID SEARCH UID 3 UN": "* SEARCH\r\n"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newScript()
				m := leaving(server, keepsMarks, nil)
				opens := server.says
				server.says = func(verb, rest string) (string, bool) {
					for _, command := range []string{"UID SEARCH UID 3 KEYWORD", "UID SEARCH UID 3 UN", "UID SEARCH UID 3 "} {
						if answer, is := c.answers[command]; is && strings.HasPrefix(verb+" "+rest, command) {
							return answer + "%t OK done\r\n", true
						}
					}
					return opens(verb, rest)
				}
				s, stop := run(t, m, newBooks())
				defer stop()
				marked, err := s.Acknowledge(t.Context(), "imap:7:3", imap.Processed)
				if marked != c.marked || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
					t.Errorf("%t, %v", marked, err)
				}
				if server.count("UID STORE") != 1 || server.count("UID MOVE") != 0 {
					t.Error("it was not marked once")
				}
			})
		})
	}
}

// asked counts the mails that the books were asked about at once.
type asked struct {
	*books
	mu   sync.Mutex
	most int
}

func (a *asked) Missing(ctx context.Context, objects []string) ([]string, error) {
	a.mu.Lock()
	a.most = max(a.most, len(objects))
	a.mu.Unlock()
	return a.books.Missing(ctx, objects)
}

// Of 50,000 mails that were there before, and 50,000 that are done with, the server leaves out both, and the books are asked about none.
func TestAFullInboxCostsNoMoreThanAnEmptyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newScript()
		server.mails[100_001] = mailText
		b := &asked{books: newBooks()}
		s, stop := run(t, leaving(server, strings.Replace(keepsMarks, "UIDNEXT 3", "UIDNEXT 100001", 1), map[string]string{
			"UID SEARCH SINCE \"27-Nov-2026\" UNDELETED UNKEYWORD PsagateDone": "* SEARCH\r\n",
			"UID SEARCH UID 100001:* UNDELETED UNKEYWORD PsagateDone":          "* SEARCH 100000\r\n", // n:* always has the last in it
		}), b)
		defer stop()
		synctest.Wait()
		if state := s.State(); state.Complete.IsZero() || state.Inbox != 0 || b.most != 0 || server.count("UID FETCH") != 0 {
			t.Errorf("%+v, the books were asked about %d", state, b.most)
		}
	})
}

func TestWithoutItsBeginningNoInboxIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, b := newScript(mailText), newBooks()
		b.shut = errors.New("the store is away")
		s, stop := run(t, leaving(server, keepsMarks, nil), b)
		defer stop()
		synctest.Wait()
		if p := s.State().Problem; p == nil || p.Stage != imap.Spooling || !strings.Contains(p.Error(), "the store is away") || server.count("UID SEARCH") != 0 {
			t.Errorf("%v, %d searches", p, server.count("UID SEARCH"))
		}
		b.mu.Lock()
		b.shut = nil
		b.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(b.all()) != 1 || s.State().Problem != nil || b.begun[7] != 3 {
			t.Errorf("%d mails, %v, begun at %v", len(b.all()), s.State().Problem, b.begun)
		}
	})
}
