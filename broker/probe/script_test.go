package probe_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/probe"
)

// script is a server that answers each verb with what stands here for it, and otherwise well. %t is the tag; mute is silence,
// and what ends in hangUp ends the connection.
type script map[string]string

const (
	mute   = "\x00"
	hangUp = "\x00hang up"
)

// mailbox is one on this server: of this machine without TLS, and any other with it.
func (s script) mailbox(t *testing.T, server string) *imap.Mailbox {
	m := &imap.Mailbox{Server: server, TLS: imap.TLSOff, User: "support@example.test", Password: says("correct-horse")}
	wrap := func(conn net.Conn) net.Conn { return conn }
	if host, _, _ := net.SplitHostPort(server); net.ParseIP(host) == nil {
		cert, roots := certificate(t, host)
		m.TLS, m.Config = imap.TLSOn, &tls.Config{RootCAs: roots}
		wrap = func(conn net.Conn) net.Conn {
			return tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
		}
	}
	m.Lookup = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil }
	m.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, conn := net.Pipe()
		go s.serve(wrap(conn))
		return client, nil
	}
	return m
}

func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func (s script) serve(conn net.Conn) {
	defer conn.Close()
	greeting, is := s["greeting"]
	if !is {
		greeting = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR] ready\r\n"
	}
	if greeting != mute {
		text, gone := strings.CutSuffix(greeting, hangUp)
		if _, err := io.WriteString(conn, text); err != nil || gone {
			return
		}
	}
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		verb, rest, _ := strings.Cut(rest, " ")
		answer, is := s[verb]
		switch {
		case is && answer == mute:
			continue
		case is:
		case verb == "CAPABILITY":
			answer = "* CAPABILITY IMAP4rev1 SASL-IR\r\n%t OK done\r\n"
		case verb == "AUTHENTICATE":
			answer = "%t OK [CAPABILITY IMAP4rev1 SASL-IR] done\r\n"
		case verb == "LIST":
			answer = fmt.Sprintf("* LIST () \"/\" %s\r\n%%t OK done\r\n", strings.TrimPrefix(rest, `"" `))
		case verb == "SELECT":
			answer = "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n%t OK done\r\n"
		case verb == "APPEND":
			answer = "%t NO [OVERQUOTA] the mailbox is full\r\n"
		default:
			answer = "%t OK done\r\n"
		}
		text, gone := strings.CutSuffix(strings.ReplaceAll(answer, "%t", tag), hangUp)
		if _, err := io.WriteString(conn, text); err != nil || gone {
			return
		}
	}
}

func TestWhatServersSayIsExplained(t *testing.T) {
	const exchange, gmail, other = "outlook.office365.com:993", "imap.gmail.com:993", "127.0.0.1:993"
	for name, c := range map[string]struct {
		script script
		server string
		token  bool
		step   string
		result probe.Result
		words  []string
	}{
		"authenticated, but not connected": {
			script{"SELECT": "%t BAD User is authenticated but not connected.\r\n"},
			other, true,
			"inbox", probe.Failed,
			[]string{"authenticated but not connected", "IMAP.AccessAsApp", "Add-MailboxPermission", "Set-CASMailbox"},
		},
		"passwords are switched off": {
			script{"greeting": "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x\r\n"},
			other, false,
			"sign-in", probe.Failed,
			[]string{"takes no passwords here", "oauth2"},
		},
		"no tokens": {
			script{"greeting": "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\r\n"},
			other, true,
			"sign-in", probe.Failed,
			[]string{"takes no access tokens"},
		},
		"Exchange Online and a password": {
			script{"AUTHENTICATE": "%t NO AUTHENTICATE failed.\r\n"},
			exchange, false,
			"sign-in", probe.Failed,
			[]string{"takes no passwords for IMAP any more", "oauth2"},
		},
		"Exchange Online and a token": {
			script{"AUTHENTICATE": "%t NO AUTHENTICATE failed.\r\n"},
			exchange, true,
			"sign-in", probe.Failed,
			[]string{"https://outlook.office365.com/.default"},
		},
		"Gmail and a password": {
			script{"AUTHENTICATE": "%t NO [ALERT] Application-specific password required\r\n"},
			gmail, false,
			"sign-in", probe.Failed,
			[]string{"app password", "ALERT"},
		},
		"it is at an address": {
			script{}, gmail, false, "name", probe.OK, []string{"imap.gmail.com is at 192.0.2.1"},
		},
		"it repeats the password": {
			script{"AUTHENTICATE": "%t NO correct-horse is wrong\r\n"},
			other, false,
			"sign-in", probe.Failed,
			[]string{"refuses the password", "[redacted]"},
		},
		"too many connections": {
			script{"AUTHENTICATE": "%t NO [LIMIT] too many\r\n"},
			other, false,
			"sign-in", probe.Failed,
			[]string{"for now"},
		},
		"it is silent after TCP": {
			script{"greeting": mute},
			other, false,
			"tls", probe.Failed,
			[]string{"does not answer", "write tls on"},
		},
		"no right to make folders": {
			script{"LIST": "%t OK done\r\n", "CREATE": "%t NO [NOPERM] not you\r\n"},
			other, false,
			"folder Processed", probe.Failed,
			[]string{"NOPERM", "give the user the right to"},
		},
		"some flags are kept": {
			script{"SELECT": "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [PERMANENTFLAGS (\\Seen)] x\r\n%t OK done\r\n"},
			other, false,
			"inbox", probe.Warn,
			[]string{"may not mark them as deleted"},
		},
		"the mailbox is full": {
			script{}, other, false, "move", probe.Failed, []string{"OVERQUOTA", "the mailbox is full"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := c.script.mailbox(t, c.server)
				if c.token {
					m.Password, m.Token = nil, says("correct-horse")
				}
				steps := probe.Test{Mailbox: m, Keys: keys(t)}.Run(t.Context())
				want(t, steps, c.step, c.result, c.words...)
				if text := fmt.Sprint(steps); strings.Contains(text, "correct-horse") {
					t.Errorf("the secret is in %s", text)
				}
			})
		})
	}
}

func TestAServerThatKeepsNoMarksOfOursIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		flags string
		steps string
		words string
	}{
		"as Exchange Online": {`\Seen \Answered \Flagged \Deleted \Draft $MDNSent`, "inbox failed, abilities skipped, mark skipped", "keeps no marks of our own"},
		"nothing may be put": {`\Deleted \*`, "inbox ok, abilities warn, mark warn", "none could be put there"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := script{
					"SELECT": "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n* OK [PERMANENTFLAGS (" + c.flags + ")] x\r\n%t OK done\r\n",
					"APPEND": "%t NO [NOPERM] not you\r\n",
				}.mailbox(t, "127.0.0.1:143")
				m.LeaveSince = time.Now()
				steps := probe.Test{Mailbox: m, Keys: keys(t)}.Run(t.Context())
				if got := results(steps); !strings.HasSuffix(got, c.steps) || !strings.Contains(fmt.Sprint(steps), c.words) {
					t.Errorf("%s\n%v", got, steps)
				}
			})
		})
	}
}

func TestWhatIsWrongBeforeAnybodySignsIn(t *testing.T) {
	m := script{}.mailbox(t, "imap.example.com:993")
	dialled := false
	m.Lookup = func(context.Context, string) ([]string, error) { return nil, &net.DNSError{IsNotFound: true} }
	m.Dial = func(context.Context, string, string) (net.Conn, error) {
		dialled = true
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}
	}
	steps := probe.Test{Mailbox: m, Aliases: []string{"a@example.com"}}.Run(t.Context())
	want(t, steps, "name", probe.Failed, "there is no host imap.example.com")
	if got := results(steps); dialled || got != "name failed, connection skipped, tls skipped, sign-in skipped, inbox skipped, folder Processed skipped, folder DeadLetter skipped, abilities skipped, move skipped, alias a@example.com skipped" {
		t.Error(got)
	}
	m.Lookup = nil
	m.Server, m.TLS = "127.0.0.1:143", imap.TLSStart
	want(t, probe.Test{Mailbox: m}.Run(t.Context()), "connection", probe.Failed, "connection refused", "is the port right")
	m.TLS, m.Server = imap.TLSOff, "imap.example.com:143"
	steps = probe.Test{Mailbox: m}.Run(t.Context())
	want(t, steps, "config", probe.Failed, "only a server on this machine")
	if probe.Works(steps) || probe.Works(nil) {
		t.Error("that works")
	}
}

func TestAPortForTLSIsNotSpokenToWithSTARTTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := script{"greeting": mute}.mailbox(t, "imap.example.com:993")
		m.TLS = imap.TLSStart
		want(t, probe.Test{Mailbox: m}.Run(t.Context()), "tls", probe.Failed, "is it the port for TLS (993 with tls on")
	})
}
