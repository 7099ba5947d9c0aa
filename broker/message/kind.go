package message

import (
	"regexp"
	"strings"
)

// Kind is what sort of mail one is.
type Kind string

// Kinds. What is done with each is the mailbox's to say; nothing is dropped for its kind.
const (
	Human      Kind = "human"      // a person's, as far as can be seen
	Alert      Kind = "alert"      // a program's, wanted: most of an MSP's mail
	AutoReply  Kind = "auto-reply" // out of office, "we have received your mail", read receipts
	BounceMail Kind = "bounce"
	List       Kind = "list" // a mailing list's or newsletter's
	Own        Kind = "own"  // this broker has sent it
)

var machineNames = regexp.MustCompile(`(?i)^(no-?_?reply|do-?not-?reply|alerts?|alarms?|monitor(ing)?|notifications?|notify|nagios|icinga|zabbix|prtg|veeam|backups?|rmm|root|cron|daemon|system|server|scanner|copier|printer|ups|firewall|nas|automation)([-+._].*)?$`)

// classify says what kind of mail it is, by the strongest sign first. X-Auto-Response-Suppress is no sign: it asks others
// not to answer, and programs whose alerts are wanted set it.
func (m *Message) classify(o Options) {
	is := func(kind Kind, sign string) bool {
		if m.Kind == "" {
			m.Kind = kind
		}
		if m.Kind == kind {
			m.Signs = append(m.Signs, sign)
		}
		return true
	}
	h := m.Header
	if o.Own != nil && o.Own(h) {
		is(Own, "carries this broker's own mark")
	}
	m.bounceSigns(is)
	m.replySigns(is)
	for _, name := range []string{"List-Id", "List-Post", "List-Unsubscribe", "List-Help", "Mailing-List"} {
		if h.Has(name) {
			is(List, name)
		}
	}
	precedence := strings.ToLower(h.Get("Precedence"))
	if precedence == "list" {
		is(List, "Precedence: list")
	}
	switch auto := autoSubmitted(h); {
	case auto == "auto-generated" || auto == "auto-notified":
		is(Alert, "Auto-Submitted: "+auto) // RFC 3834 section 5, RFC 5436 section 2.7.1
	case precedence == "bulk" || precedence == "junk":
		is(Alert, "Precedence: "+precedence)
	case m.ReturnPathKnown && m.ReturnPath == "":
		is(Alert, "wants no answer: its return path is empty")
	}
	if local := m.Author().Local; machineNames.MatchString(local) {
		is(Alert, "its sender is called like a program")
	}
	for _, name := range []string{"X-FC-MachineGenerated", "X-Zabbix-Event", "X-Alert-Id", "X-Nagios-Notification-Type", "X-JIRA-FingerPrint"} {
		if h.Has(name) {
			is(Alert, name)
		}
	}
	if m.Kind == "" {
		m.Kind = Human
	}
	if m.Kind != BounceMail {
		m.Bounce = nil
	}
}

// autoSubmitted is the field's word without its parameters (RFC 3834 section 5).
func autoSubmitted(h Header) string {
	word, _, _ := strings.Cut(h.Get("Auto-Submitted"), ";")
	word, _, _ = strings.Cut(word, "(")
	return strings.ToLower(strings.TrimSpace(word))
}

func (m *Message) bounceSigns(is func(Kind, string) bool) {
	kind := strings.ToLower(m.Header.Get("Content-Type"))
	report := strings.HasPrefix(kind, "multipart/report")
	switch {
	case report && strings.Contains(kind, "disposition-notification"):
		is(AutoReply, "a receipt")
	case report && strings.Contains(kind, "feedback-report"): // a complaint about mail is for people
	case m.Bounce != nil && report, report && strings.Contains(kind, "delivery-status"):
		is(BounceMail, "a report of delivery")
	}
	if m.Header.Has("X-Failed-Recipients") {
		is(BounceMail, "X-Failed-Recipients")
	}
	local := strings.ToLower(m.Author().Local)
	if local == "mailer-daemon" || local == "postmaster" && m.ReturnPathKnown && m.ReturnPath == "" {
		is(BounceMail, "from "+local)
	}
	if m.Kind == BounceMail {
		m.completeBounce()
	}
}

func (m *Message) replySigns(is func(Kind, string) bool) {
	h := m.Header
	switch auto := autoSubmitted(h); auto {
	case "", "no", "auto-generated", "auto-notified":
	default:
		is(AutoReply, "Auto-Submitted: "+auto)
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Reply-From", "X-Mail-Autoreply"} {
		if value := h.Get(name); value != "" && !strings.EqualFold(value, "no") {
			is(AutoReply, name)
		}
	}
	if strings.EqualFold(h.Get("Precedence"), "auto_reply") {
		is(AutoReply, "Precedence: auto_reply")
	}
	if strings.EqualFold(h.Get("X-MS-Exchange-Generated-Message-Source"), "Mailbox Rules Agent") {
		is(AutoReply, "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent")
	}
}
