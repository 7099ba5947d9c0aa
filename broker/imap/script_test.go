package imap_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/psagate/psagate/broker/imap"
)

// script is a server that says what a test wants: by itself what a good one would.
type script struct {
	mu       sync.Mutex
	mails    map[int]string
	validity int
	caps     string
	greeting string
	// says is what is said in answer to a command, as its verb (UID FETCH) is written, instead of what a good server says.
	// %t is the tag. An answer of mute is none; what ends in hangUp ends the connection. False: as a good server.
	says func(verb, rest string) (string, bool)
	// counts are how often a verb came.
	counts map[string]int
	dials  int
	// idling tells a client that is idle what it is given.
	idling chan string
}

const (
	mute   = "\x00mute"
	hangUp = "\x00hang up"
)

func newScript(mails ...string) *script {
	s := &script{mails: map[int]string{}, validity: 7, caps: "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE IDLE", counts: map[string]int{}, idling: make(chan string), greeting: "* OK ready\r\n"}
	for i, m := range mails {
		s.mails[i+1] = m
	}
	return s
}

func (s *script) add(uid int, mail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails[uid] = mail
}

func (s *script) count(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[verb]
}

// mailbox is one on this server.
func (s *script) mailbox() imap.Mailbox {
	return imap.Mailbox{Server: "127.0.0.1:143", TLS: imap.TLSOff, User: "support@example.test", Password: says("correct-horse"), Dial: s.dial}
}

func (s *script) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	client, server := net.Pipe()
	go s.serve(server)
	return client, nil
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	lines, ended := make(chan string), make(chan struct{})
	defer close(ended)
	go func() {
		defer close(lines)
		for r := bufio.NewReader(conn); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			select {
			case lines <- strings.TrimRight(line, "\r\n"):
			case <-ended:
				return
			}
		}
	}()
	greeting, gone := strings.CutSuffix(s.greeting, hangUp)
	if _, err := io.WriteString(conn, greeting); err != nil || gone {
		return
	}
	idle := ""
	for {
		var reply string
		select {
		case line, open := <-lines:
			if !open {
				return
			}
			if line == "DONE" {
				line = idle + " DONE"
			}
			if strings.HasSuffix(line, " IDLE") {
				idle = strings.TrimSuffix(line, " IDLE")
			}
			reply = s.reply(line)
		case reply = <-s.idling:
		}
		if reply == mute {
			continue
		}
		text, gone := strings.CutSuffix(reply, hangUp)
		if _, err := io.WriteString(conn, text); err != nil || gone {
			return
		}
	}
}

func (s *script) reply(line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	tag, rest, _ := strings.Cut(line, " ")
	verb, rest, _ := strings.Cut(rest, " ")
	if verb == "UID" {
		var second string
		second, rest, _ = strings.Cut(rest, " ")
		verb += " " + second
	}
	s.counts[verb]++
	if s.says != nil {
		if text, is := s.says(verb, rest); is {
			return strings.ReplaceAll(text, "%t", tag)
		}
	}
	switch verb {
	case "IDLE":
		return "+ idling\r\n"
	case "AUTHENTICATE":
		// Without this the library asks by itself, and may wait for its turn through an IDLE: harmless, but a lock that time
		// in a bubble does not pass over.
		return tag + " OK [CAPABILITY " + s.caps + "] done\r\n"
	}
	return s.good(verb, rest) + tag + " OK done\r\n"
}

// good is what a good server says before its OK.
func (s *script) good(verb, rest string) string {
	switch verb {
	case "CAPABILITY":
		return "* CAPABILITY " + s.caps + "\r\n"
	case "LIST":
		name := strings.Trim(strings.TrimPrefix(rest, `"" `), `"`)
		return fmt.Sprintf("* LIST () \"/\" %q\r\n", name)
	case "SELECT":
		return fmt.Sprintf("* FLAGS (\\Deleted)\r\n* OK [PERMANENTFLAGS (\\Deleted \\*)] so\r\n* %d EXISTS\r\n* OK [UIDVALIDITY %d] so\r\n* OK [UIDNEXT 1] so\r\n", len(s.mails), s.validity)
	case "UID SEARCH":
		found := "* SEARCH"
		_, one, is := strings.Cut(rest, "UID ")
		one, _, _ = strings.Cut(one, " ")
		for _, uid := range slices.Sorted(maps.Keys(s.mails)) {
			if !is || one == strconv.Itoa(uid) {
				found += " " + strconv.Itoa(uid)
			}
		}
		return found + "\r\n"
	case "UID FETCH":
		return s.fetched(rest)
	case "UID MOVE":
		one, _, _ := strings.Cut(rest, " ")
		uid, _ := strconv.Atoi(one)
		if _, is := s.mails[uid]; !is {
			return ""
		}
		delete(s.mails, uid)
		return fmt.Sprintf("* OK [COPYUID 9 %d 1] moved\r\n* 1 EXPUNGE\r\n", uid)
	}
	return ""
}

func (s *script) fetched(rest string) string {
	one, _, _ := strings.Cut(rest, " ")
	uid, _ := strconv.Atoi(one)
	mail, is := s.mails[uid]
	switch {
	case !is:
		return ""
	case strings.Contains(rest, "BODY.PEEK[]"):
		return fmt.Sprintf("* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n", uid, len(mail), mail)
	}
	return fmt.Sprintf("* 1 FETCH (UID %d RFC822.SIZE %d INTERNALDATE \"27-Nov-2026 10:00:00 +0000\")\r\n", uid, len(mail))
}
