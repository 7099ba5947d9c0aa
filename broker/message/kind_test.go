package message

import (
	"slices"
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header string
		want   Kind
	}{
		"a person":                         {"From: jo@example.com", Human},
		"X-Auto-Response-Suppress":         {"From: jo@example.com\nX-Auto-Response-Suppress: All", Human},
		"Auto-Submitted: no":               {"From: jo@example.com\nAuto-Submitted: no", Human},
		"a postmaster who writes":          {"From: postmaster@example.com", Human},
		"a monitor":                        {"From: Zabbix <zabbix@example.com>", Alert},
		"a monitor's header":               {"From: jo@example.com\nAuto-Submitted: auto-generated (alert); x=y", Alert},
		"no-reply":                         {"From: no-reply+x@example.com", Alert},
		"an alert with the Outlook header": {"From: alerts@example.com\nX-Auto-Response-Suppress: DR, OOF, AutoReply", Alert},
		"no return path":                   {"Return-Path: <>\nFrom: jo@example.com", Alert},
		"bulk":                             {"From: jo@example.com\nPrecedence: bulk", Alert},
		"out of office":                    {"From: jo@example.com\nAuto-Submitted: auto-replied\nReturn-Path: <>", AutoReply},
		"out of office, Exchange":          {"From: jo@example.com\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", AutoReply},
		"vacation":                         {"From: jo@example.com\nX-Autoreply: yes\nPrecedence: bulk", AutoReply},
		"a receipt":                        {"From: jo@example.com\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b", AutoReply},
		"a list":                           {"From: jo@example.com\nList-Id: <l.example.com>\nPrecedence: list", List},
		"a newsletter":                     {"From: news@example.com\nList-Unsubscribe: <https://x.example>\nPrecedence: bulk", List},
		"a bounce":                         {"From: MAILER-DAEMON@example.com\nX-Failed-Recipients: a@example.com", BounceMail},
		"a bounce of Exchange":             {"Return-Path: <>\nFrom: postmaster@example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=b", BounceMail},
		"our own":                          {"From: noreply@example.com\nX-Own: 1\nAuto-Submitted: auto-replied", Own},
	} {
		m := Read([]byte(c.header+"\n\nx\n"), Options{Own: func(h Header) bool { return h.Get("X-Own") == "1" }})
		if m.Kind != c.want || (len(m.Signs) == 0) != (c.want == Human) {
			t.Errorf("%s: %s by %q, want %s", name, m.Kind, m.Signs, c.want)
		}
	}
	m := Read([]byte("From: noreply@example.com\nAuto-Submitted: auto-replied\nPrecedence: auto_reply\n\nx"), Options{})
	if !slices.Equal(m.Signs, []string{"Auto-Submitted: auto-replied", "Precedence: auto_reply"}) {
		t.Errorf("signs of another kind: %q", m.Signs)
	}
	empty := ""
	if m := Read([]byte("Return-Path: <jo@example.com>\nFrom: jo@example.com\n\nx"), Options{EnvelopeFrom: &empty}); m.Kind != Alert || m.ReturnPath != "" {
		t.Errorf("the envelope wins over the header: %s, %q", m.Kind, m.ReturnPath)
	}
}

func TestBounces(t *testing.T) {
	t.Parallel()
	report := strings.Replace(multipart("report", "Content-Type: text/plain\n\nSorry.\n",
		"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; A@example.com\nOriginal-Recipient: rfc822;a@example.com\nAction: failed\nStatus: 5.1.1 (no such)\n\nFinal-Recipient: rfc822; b@example.com\nStatus: 4.2.2\n",
		"Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: <orig@example.com>\n"), "multipart/report;", "multipart/report; report-type=delivery-status;", 1)
	m := read(t, "From: MAILER-DAEMON@example.com\n"+report)
	if b := m.Bounce; b == nil || b.MessageID != "orig@example.com" || b.Status != "5.1.1" || len(b.Recipients) != 2 || b.Temporary() || m.Text != "Sorry." || len(m.Files) != 0 {
		t.Errorf("%+v, %q, %d files", b, m.Text, len(m.Files))
	}
	m = read(t, "From: Mail Delivery System <Mailer-Daemon@example.com>\nX-Failed-Recipients: a@example.com,\n b@example.com\n\nSMTP error 450 4.2.1\n\n > Message-ID: <orig@example.com>\n")
	if b := m.Bounce; b == nil || b.MessageID != "orig@example.com" || !b.Temporary() || !slices.EqualFunc(b.Recipients, []string{"a@example.com", "b@example.com"}, func(a Address, s string) bool { return a.Key() == s }) {
		t.Errorf("%+v", b)
	}
	// Another's mail with a report in it is no bounce.
	if m := read(t, sender+multipart("mixed", "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@example.com\n")); m.Kind != Human {
		t.Errorf("%s", m.Kind)
	}
	if m := read(t, sender+multipart("mixed", "Content-Type: text/rfc822-headers; name=headers.txt\n\nSubject: x\n")); len(m.Files) != 1 {
		t.Errorf("a header that somebody sends is no file: %+v", m)
	}
}
