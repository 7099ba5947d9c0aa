package imap_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/refused"
)

const (
	one   = "Subject: one\r\n\r\nOne.\r\n"
	two   = "Subject: two\r\n\r\nTwo.\r\n"
	three = "Subject: three\r\n\r\nThree.\r\n"
)

// instead is an answer to one verb, where its rest has the words in it.
func instead(verb, words, answer string) func(string, string) (string, bool) {
	return func(v, rest string) (string, bool) { return answer, v == verb && strings.Contains(rest, words) }
}

// came are the texts of the mails that were spooled.
func (b *books) texts() (texts []string) {
	for _, mail := range b.all() {
		texts = append(texts, string(mail.Raw))
	}
	return texts
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// Row 7 of the crash matrix: no ticket is made of nothing.
func TestAMailThatHasVanishedIsNoMail(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing is said":           "%t OK done\r\n",
		"its body is NIL":           "* 2 FETCH (UID 2 BODY[] NIL)\r\n%t OK done\r\n",
		"its body is empty":         "* 2 FETCH (UID 2 BODY[] \"\")\r\n%t OK done\r\n",
		"its body is no bytes":      "* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\n%t OK done\r\n",
		"the server says so":        "%t NO [EXPUNGEISSUED] it is gone\r\n",
		"only its flags are said":   "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n%t OK done\r\n",
		"another mail comes for it": "* 3 FETCH (UID 3 BODY[] {3}\r\nBad)\r\n%t OK done\r\n",
		"a part of it comes":        "* 2 FETCH (UID 2 BODY[TEXT] {3}\r\nBad)\r\n%t OK done\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := newScript(one, two, three)
				server.says = instead("UID FETCH", "2 (UID BODY", answer)
				b := newBooks()
				s, stop := run(t, server.mailbox(), b)
				time.Sleep(time.Second)
				if texts := b.texts(); len(texts) != 2 || texts[0] != one || texts[1] != three {
					t.Errorf("these came: %q", texts)
				}
				if state := s.State(); state.Problem != nil || state.Complete.IsZero() {
					t.Errorf("%+v", state)
				}
				stop()
			})
		})
	}
}

// Row 3: the connection is cut anywhere in a mail.
func TestAMailThatIsCutOffIsFetchedAnew(t *testing.T) {
	for k := range len(two) {
		bubble(t, func(t *testing.T) {
			server, cut := newScript(one, two), false
			server.says = func(verb, rest string) (string, bool) {
				if verb != "UID FETCH" || !strings.Contains(rest, "2 (UID BODY") || cut {
					return "", false
				}
				cut = true
				return fmt.Sprintf("* 2 FETCH (UID 2 BODY[] {%d}\r\n%s", len(two), two[:k]) + hangUp, true
			}
			b := newBooks()
			_, stop := run(t, server.mailbox(), b)
			time.Sleep(10 * time.Second)
			if texts := b.texts(); len(texts) != 2 || texts[0] != one || texts[1] != two || !cut {
				t.Errorf("cut after %d: %q", k, texts)
			}
			stop()
		})
	}
}

func TestOneBadMailKeepsNoOtherWaiting(t *testing.T) {
	for name, answer := range map[string]string{
		"a date that is none":  "* 2 FETCH (UID 2 RFC822.SIZE 9 INTERNALDATE \"the day before\")\r\n%t OK done\r\n",
		"an attribute unknown": "* 2 FETCH (UID 2 X-COLOUR blue)\r\n%t OK done\r\n",
		"the server hangs up":  hangUp,
		"the server says no":   "%t NO cannot read it\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := newScript(one, two, three)
				server.says = func(verb, rest string) (string, bool) {
					return answer, verb == "UID FETCH" && strings.HasPrefix(rest, "2 (") && !strings.Contains(rest, "BODY")
				}
				b := newBooks()
				s, stop := run(t, server.mailbox(), b)
				time.Sleep(5 * time.Minute)
				if texts := b.texts(); len(texts) != 2 || texts[0] != one || texts[1] != three {
					t.Errorf("these came: %q", texts)
				}
				for uid := 4; uid < 60; uid++ { // an hour
					server.add(uid, fmt.Sprint("mail ", uid))
					time.Sleep(61*time.Second + 3*time.Second) // Poll, and a connection that may have to be made anew
					if n := len(b.texts()); n != uid-1 {
						t.Fatalf("%d are here, of mail %d", n, uid)
					}
				}
				if n := server.count("UID FETCH"); s.State().Held != 1 || n > 2*58+20 {
					t.Errorf("%+v after %d fetches", s.State(), n)
				}
				stop()
			})
		})
	}
}

func TestAServerThatIsMuteOrTalksWithoutEndIsLeft(t *testing.T) {
	endless := "* OK " + strings.Repeat("blah ", 2<<20) + "\r\n"
	for _, verb := range []string{"CAPABILITY", "AUTHENTICATE", "LIST", "SELECT", "UID SEARCH", "UID FETCH", "IDLE", "DONE", "endless"} {
		for name, answer := range map[string]string{"mute": mute, "no IMAP": "HTTP/1.1 400 Bad Request\r\n\r\n", "bye": "* BYE\r\n" + hangUp} {
			if verb == "endless" { // dear: eight megabytes, byte after byte
				if verb, answer = "UID SEARCH", endless; name != "mute" {
					continue
				}
			}
			t.Run(verb+" "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					server := newScript(one)
					once := false
					server.says = func(v, _ string) (string, bool) {
						if v != verb || once {
							return "", false
						}
						once = true
						return answer, true
					}
					b := newBooks()
					s, stop := run(t, server.mailbox(), b)
					time.Sleep(10 * time.Minute)
					if texts := b.texts(); len(texts) != 1 || texts[0] != one || s.State().Problem != nil || server.dials != 2 {
						t.Errorf("%q came with %d connections; %+v", texts, server.dials, s.State())
					}
					stop()
				})
			})
		}
	}
}

// IDLE is a hint: mails are found in time whatever it says.
func TestAMailOfWhichIdleSaysNothingIsFound(t *testing.T) {
	for _, caps := range []string{"IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE IDLE", "IMAP4rev1 AUTH=PLAIN SASL-IR"} {
		bubble(t, func(t *testing.T) {
			server := newScript(one)
			server.caps = caps
			b := newBooks()
			_, stop := run(t, server.mailbox(), b)
			time.Sleep(time.Second)
			server.add(2, two)
			time.Sleep(time.Minute + time.Second) // past the next look
			if texts := b.texts(); len(texts) != 2 {
				t.Errorf("%s: %q", caps, texts)
			}
			if server.dials != 1 {
				t.Errorf("%s: %d connections", caps, server.dials)
			}
			if strings.Contains(caps, "IDLE") {
				server.add(3, three)
				server.idling <- "* 3 EXISTS\r\n"
				synctest.Wait()
				if texts := b.texts(); len(texts) != 3 {
					t.Errorf("IDLE said so: %q", texts)
				}
			}
			stop()
		})
	}
}

func TestHowOftenASecretIsSent(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		answer      string
		changing    bool
		least, most int
	}{
		"it is refused":              {"%t NO [AUTHENTICATIONFAILED] no, correct-horse is wrong\r\n", false, 1, 1},
		"it is refused in any words": {"%t NO go away, correct-horse\r\n", false, 1, 1},
		"the end of it is cut off":   {"%t NO " + strings.Repeat("x", 190) + " correct-horse\r\n", false, 1, 1},
		"it is not understood":       {"%t BAD what is correct-horse\r\n", false, 1, 1},
		"the user is locked":         {"%t NO the account is temporarily locked after too many failed attempts\r\n", false, 1, 1},
		"the server is full":         {"%t NO too many simultaneous connections\r\n", false, 100, 400},
		"the server is busy":         {"%t NO [UNAVAILABLE] later, correct-horse\r\n", false, 100, 400},
		"the connection breaks":      {hangUp, false, 100, int(day/(5*time.Minute)) + 2},
		"the server falls silent":    {mute, false, 100, int(day/(5*time.Minute)) + 2},
		"tokens change by themselves": {
			"%t NO [AUTHENTICATIONFAILED] no\r\n", true, 100, int(day/(5*time.Minute)) + 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := newScript(one)
				server.says = instead("AUTHENTICATE", "", c.answer)
				m, known := server.mailbox(), new(refused.InMemory)
				m.Refused = &refused.Memory{Books: known}
				if c.changing {
					server.caps = "IMAP4rev1 AUTH=XOAUTH2 SASL-IR"
					m.Password, m.Token = nil, func(context.Context) (string, error) { return time.Now().String(), nil }
				}
				s, stop := run(t, m, newBooks())
				time.Sleep(day)
				if n := server.count("AUTHENTICATE"); n < c.least || n > c.most {
					t.Errorf("it was sent %d times in a day", n)
				}
				if p := s.State().Problem; p == nil || p.Stage != imap.SigningIn || p.Refused != (c.most == 1 || c.changing) || strings.Contains(p.Error(), "corr") {
					t.Errorf("%v", p)
				}
				stop()
				sent := server.count("AUTHENTICATE")
				for range 60 { // a supervisor's loop
					m.Refused = &refused.Memory{Books: known}
					s, stop := run(t, m, newBooks())
					time.Sleep(10 * time.Second)
					stop()
					if p := s.State().Problem; p != nil && strings.Contains(p.Error(), "corr") || c.most == 1 && (p == nil || !strings.Contains(p.Error(), "The server said “")) {
						t.Errorf("begun anew: %v", p)
					}
				}
				if n := server.count("AUTHENTICATE") - sent; n > 3 && c.most != 400 || n > 0 && c.most == 1 {
					t.Errorf("it was sent %d times in 10 minutes of restarts", n)
				}
			})
		})
	}
}

// unreadable are books that cannot be used for a while.
type unreadable struct {
	refused.InMemory
	mu  sync.Mutex
	why error
}

func (b *unreadable) be(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.why = why
}

func (b *unreadable) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	b.mu.Lock()
	why := b.why
	b.mu.Unlock()
	if why != nil {
		return why
	}
	return b.InMemory.Change(ctx, place, f)
}

// Without the store nobody knows whether the password was refused, nor where mails would be kept: it is not sent.
func TestNothingIsSentWhileItCannotBeLookedUpWhatWasRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server, known, gone := newScript(one), new(unreadable), errors.New("the store is gone")
		known.be(gone)
		m := server.mailbox()
		m.Refused = &refused.Memory{Books: known}
		s, stop := run(t, m, newBooks())
		time.Sleep(time.Hour)
		if p := s.State().Problem; p == nil || p.Stage != imap.SigningIn || p.Refused || !errors.Is(p, gone) || server.dials > 0 {
			t.Errorf("%v, %d connections", p, server.dials)
		}
		known.be(nil)
		time.Sleep(time.Minute + time.Second)
		if s.State().Connected.IsZero() || server.count("AUTHENTICATE") != 1 {
			t.Errorf("%+v", s.State())
		}
		stop()
	})
}

// Row 35: the disk is full. Nothing is moved, little is fetched in vain, and it goes on by itself.
func TestWhatCannotBeKeptStaysOnTheServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := newScript()
		for uid := range 50 {
			server.add(uid+1, fmt.Sprint("mail ", uid))
		}
		b := newBooks()
		b.full = func(imap.Mail) error { return errors.New("the disk is full") }
		s, stop := run(t, server.mailbox(), b)
		time.Sleep(10*time.Minute + time.Second)
		if p := s.State().Problem; p == nil || p.Stage != imap.Spooling || !strings.Contains(p.Error(), "the disk is full") || server.count("UID MOVE") > 0 {
			t.Errorf("%v", p)
		}
		if n := server.count("UID FETCH"); n > 2*3*12 || server.dials != 1 {
			t.Errorf("%d fetches with %d connections", n, server.dials)
		}
		b.mu.Lock()
		b.full = nil
		b.mu.Unlock()
		time.Sleep(time.Hour)
		if texts := b.texts(); len(texts) != 50 || s.State().Problem != nil {
			t.Errorf("%d are kept; %+v", len(texts), s.State())
		}
		stop()
	})
}

func TestWhatMovingSays(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		moved  bool
		err    string
	}{
		"it was moved":                         {"", true, ""},
		"it has gone before":                   {"%t OK [COPYUID 9 77 78] done\r\n", false, ""}, // an answer for another
		"it says so, and it is still there":    {"%t OK done\r\n", false, "still in the inbox"},
		"it may not":                           {"%t NO [NOPERM] no\r\n", false, "may the user write to it"},
		"it goes, and only the answer is lost": {hangUp, false, "the connection broke"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := newScript(one)
				server.says = func(verb, rest string) (string, bool) {
					if verb == "UID MOVE" && strings.Contains(name, "before") {
						delete(server.mails, 1)
					}
					return c.answer, verb == "UID MOVE" && c.answer != ""
				}
				b := newBooks()
				s, stop := run(t, server.mailbox(), b)
				mail := b.next(t)
				moved, err := s.Acknowledge(t.Context(), mail.Object, imap.Processed)
				if moved != c.moved || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, %v", moved, err)
				}
				for _, bad := range []string{"", "imap:7", "smtp:1", "imap:7:0", "imap:x:1"} {
					if _, err := s.Acknowledge(t.Context(), bad, imap.Processed); err == nil {
						t.Errorf("%q was moved", bad)
					}
				}
				stop()
			})
		})
	}
}

func TestWhoAsksWhileThereIsNoConnectionIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := newScript(one)
		server.says = instead("SELECT", "", "%t BAD User is authenticated but not connected.\r\n")
		s, stop := run(t, server.mailbox(), newBooks())
		time.Sleep(time.Hour)
		_, err := s.Acknowledge(t.Context(), "imap:7:1", imap.Processed)
		if err == nil || !strings.Contains(err.Error(), "authenticated but not connected") || !strings.Contains(err.Error(), "is IMAP switched on") {
			t.Errorf("%v", err)
		}
		stop()
	})
}

func TestWhatIsSaidOfAConnectionThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*script, *imap.Mailbox)
		stage  imap.Stage
		says   string
		sent   int
	}{
		"no STARTTLS": {func(s *script, m *imap.Mailbox) {
			m.TLS, s.says = imap.TLSStart, instead("STARTTLS", "", "%t BAD unknown\r\n")
		}, imap.Securing, "does not take STARTTLS, and the password is not sent without TLS", 0},
		"STARTTLS, and an answer put before TLS": {func(s *script, m *imap.Mailbox) {
			m.TLS, s.says = imap.TLSStart, instead("STARTTLS", "", "%t OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"+hangUp)
		}, imap.Securing, "", 0},
		"STARTTLS is not even waited for": {func(s *script, m *imap.Mailbox) {
			m.TLS, s.greeting = imap.TLSStart, "* PREAUTH welcome\r\n"
			s.says = instead("STARTTLS", "", "%t OK go\r\n"+hangUp)
		}, imap.Securing, "", 0},
		"nobody is asked who he is": {func(s *script, _ *imap.Mailbox) { s.greeting = "* PREAUTH welcome\r\n" }, imap.SigningIn, "before we have said who we are", 0},
		"a port for TLS":            {func(s *script, _ *imap.Mailbox) { s.greeting = "" }, imap.Connecting, "if it is a port for TLS, write tls on", 0},
		"no TLS on it":              {func(_ *script, m *imap.Mailbox) { m.TLS = imap.TLSOn }, imap.Securing, "write tls starttls", 0},
		"it sends us away":          {func(s *script, _ *imap.Mailbox) { s.greeting = "* BYE full\r\n" }, imap.Connecting, "full", 0},
		"no passwords":              {func(s *script, _ *imap.Mailbox) { s.caps = "IMAP4rev1 LOGINDISABLED" }, imap.SigningIn, "takes no passwords here", 0},
		"no tokens":                 {func(_ *script, m *imap.Mailbox) { m.Token, m.Password = m.Password, nil }, imap.SigningIn, "takes no access tokens", 0},
		"no UIDVALIDITY":            {func(s *script, _ *imap.Mailbox) { s.validity = 0 }, imap.Opening, "gives no UIDVALIDITY", 1},
		"no folders": {func(s *script, _ *imap.Mailbox) {
			s.says = func(verb, _ string) (string, bool) { return "%t NO no rights\r\n", verb == "LIST" || verb == "CREATE" }
		}, imap.Opening, "no rights", 1},
		"folders cannot be made": {func(s *script, _ *imap.Mailbox) {
			s.says = func(verb, _ string) (string, bool) {
				return map[string]string{"LIST": "%t OK none\r\n", "CREATE": "%t NO no rights\r\n"}[verb], verb == "LIST" || verb == "CREATE"
			}
		}, imap.Opening, "make the folder in the mailbox", 1},
		"there is no password": {func(_ *script, m *imap.Mailbox) {
			m.Password = func(context.Context) (string, error) { return "", errors.New("the store is sealed") }
		}, imap.SigningIn, "the store is sealed", 0},
		"it is empty": {func(_ *script, m *imap.Mailbox) { m.Password = says("") }, imap.SigningIn, "nothing is sent", 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := newScript(one)
				m := server.mailbox()
				c.change(server, &m)
				b := newBooks()
				s, stop := run(t, m, b)
				time.Sleep(45 * time.Second)
				p := s.State().Problem
				if p == nil || p.Stage != c.stage || !strings.Contains(p.Error(), c.says) || strings.Contains(p.Error(), "corr") || len(b.all()) != 0 {
					t.Errorf("%v %+v", p, s.State())
				}
				if n := server.count("AUTHENTICATE") + server.count("LOGIN"); (n > 0) != (c.sent > 0) {
					t.Errorf("the password was sent %d times", n)
				}
				stop()
			})
		})
	}
}

// Folders that lie under the inbox, on servers where all do.
func TestFoldersUnderTheInbox(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server, moved := newScript(one), ""
		server.says = func(verb, rest string) (string, bool) {
			switch {
			case verb == "LIST" && strings.Contains(rest, "INBOX."):
				return "%t OK none\r\n", true
			case verb == "LIST" && strings.Contains(rest, "INBOX"):
				return "* LIST () \".\" INBOX\r\n%t OK\r\n", true
			case verb == "LIST", verb == "CREATE" && !strings.Contains(rest, "INBOX."):
				return map[string]string{"LIST": "%t OK none\r\n", "CREATE": "%t NO under the inbox alone\r\n"}[verb], true
			case verb == "UID MOVE":
				moved = rest
			}
			return "", false
		}
		b := newBooks()
		s, stop := run(t, server.mailbox(), b)
		if _, err := s.Acknowledge(t.Context(), b.next(t).Object, imap.DeadLetter); err != nil || !strings.Contains(moved, "INBOX.DeadLetter") {
			t.Errorf("%v; moved %s", err, moved)
		}
		stop()
	})
}

// What a server opens and never closes must not end the process, nor take its time: all mailboxes and callers have the same one.
func TestParenthesesWithoutEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := newScript(one)
		once := false
		server.says = func(verb, rest string) (string, bool) {
			if once || verb != "UID FETCH" || !strings.Contains(rest, "BODY") {
				return "", false
			}
			once = true
			return "* 1 FETCH (UID 1 BODYSTRUCTURE " + strings.Repeat("(", 7<<20) + "\r\n", true
		}
		b := newBooks()
		s, stop := run(t, server.mailbox(), b)
		time.Sleep(10 * time.Minute)
		if texts := b.texts(); len(texts) != 1 || texts[0] != one || s.State().Problem != nil || server.dials != 2 {
			t.Errorf("%q came with %d connections; %+v", texts, server.dials, s.State())
		}
		stop()
	})
}

// A server may say that a mail is longer than any memory, or that there are more than can be.
func TestWhatAServerSaysTakesNoMemory(t *testing.T) {
	for name, says := range map[string]func(string, string) (string, bool){
		"a mail without end":    instead("UID FETCH", "BODY", "* 1 FETCH (UID 1 BODY[] {9223372036854775807}\r\n"+strings.Repeat("x", 1<<20)),
		"a subject without end": instead("UID FETCH", "BODY", "* 1 FETCH (UID 1 ENVELOPE ({9223372036854775807}\r\n"+strings.Repeat("x", 1<<20)),
		"mails without end":     instead("UID SEARCH", "", "* ESEARCH UID ALL 1:4294967295\r\n%t OK\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := newScript(one)
				server.says = says
				b := newBooks()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, stop := run(t, server.mailbox(), b)
				time.Sleep(30 * time.Second)
				stop()
				runtime.ReadMemStats(&after)
				if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 100 {
					t.Errorf("%d MB were taken", mb)
				}
			})
		})
	}
}

func TestAMailboxThatCannotBeReadIsRefused(t *testing.T) {
	good := imap.Mailbox{Server: "imap.example.com:993", User: "support", Password: says("correct-horse")}
	if _, err := imap.New(good, newBooks(), nil); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*imap.Mailbox){
		"host:port":                     func(m *imap.Mailbox) { m.Server = "imap.example.com" },
		"only a server on this machine": func(m *imap.Mailbox) { m.TLS = imap.TLSOff },
		"on, starttls or off":           func(m *imap.Mailbox) { m.TLS = "sometimes" },
		"the name of a user":            func(m *imap.Mailbox) { m.User = "" },
		"control characters":            func(m *imap.Mailbox) { m.User = "a\x01auth=Bearer b" },
		"one of the two":                func(m *imap.Mailbox) { m.Token = m.Password },
		"a password or an access token": func(m *imap.Mailbox) { m.Password = nil },
		"negative":                      func(m *imap.Mailbox) { m.Poll = -1 },
	} {
		m := good
		change(&m)
		if _, err := imap.New(m, newBooks(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, have %v", want, err)
		}
	}
}

// A server that has no mechanisms is signed in to by LOGIN, and one without IDLE is looked at every Poll.
func TestAnOldServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := newScript(one)
		server.caps = "IMAP4rev1 MOVE"
		var sent string
		server.says = func(verb, rest string) (string, bool) {
			if verb == "LOGIN" {
				sent = rest
			}
			return "%t OK [CAPABILITY IMAP4rev1 MOVE] welcome\r\n", verb == "LOGIN"
		}
		b := newBooks()
		s, stop := run(t, server.mailbox(), b)
		first := b.next(t)
		if moved, err := s.Acknowledge(t.Context(), first.Object, imap.Processed); !moved || err != nil || !strings.Contains(sent, "correct-horse") {
			t.Errorf("%v, %v; LOGIN %s", moved, err, sent)
		}
		server.add(2, two)
		time.Sleep(time.Minute + time.Second) // past the next look
		if texts := b.texts(); len(texts) != 2 || server.count("IDLE") > 0 {
			t.Errorf("%q", texts)
		}
		stop()
	})
}

// Books that do not answer for a while end no connection.
func TestBooksThatCannotBeAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server, b := newScript(one), &shut{books: newBooks()}
		b.fails.Store(true)
		s, stop := run(t, server.mailbox(), b)
		time.Sleep(10 * time.Minute)
		if p := s.State().Problem; p == nil || p.Stage != imap.Spooling || !strings.Contains(p.Error(), "the store is away") || server.dials != 1 || server.count("UID FETCH") != 0 {
			t.Errorf("%v", p)
		}
		b.fails.Store(false)
		time.Sleep(time.Minute)
		if len(b.texts()) != 1 || s.State().Problem != nil {
			t.Errorf("%+v", s.State())
		}
		stop()
	})
}

// shut are books that cannot be asked while they fail.
type shut struct {
	*books
	fails atomic.Bool
}

func (s *shut) Missing(ctx context.Context, objects []string) ([]string, error) {
	if s.fails.Load() {
		return nil, errors.New("the store is away")
	}
	return s.books.Missing(ctx, objects)
}
