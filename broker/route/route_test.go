package route

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/rule"
	"github.com/psagate/psagate/broker/thread"
	"pgregory.net/rapid"
)

// book is a Directory and Threads in memory; a call that is named in fails does.
type book struct {
	resources, first, second, third map[string][]Person
	companies                       map[string][]int64
	tickets                         []Ticket
	mails                           map[string][]int64
	takePart, wrote                 map[string]int64
	fails                           string
}

var errDown = errors.New("the PSA does not answer")

func (b book) fail(call string) error {
	if b.fails == call {
		return errDown
	}
	return nil
}

func (b book) Resources(_ context.Context, address string) ([]Person, error) {
	return b.resources[address], b.fail("resources")
}

func (b book) Contacts(_ context.Context, address string, field int) ([]Person, error) {
	return []map[string][]Person{b.first, b.second, b.third}[field-1][address], b.fail(fmt.Sprint("contacts ", field))
}

func (b book) Companies(_ context.Context, domain string) ([]int64, error) {
	return b.companies[domain], b.fail("companies")
}

func (b book) ticket(fits func(Ticket) bool) (Ticket, bool) {
	if i := slices.IndexFunc(b.tickets, fits); i >= 0 {
		return b.tickets[i], true
	}
	return Ticket{}, false
}

func (b book) TicketByNumber(_ context.Context, number string) (Ticket, bool, error) {
	t, ok := b.ticket(func(t Ticket) bool { return t.Number == number })
	return t, ok, b.fail("number")
}

func (b book) TicketByID(_ context.Context, id int64) (Ticket, bool, error) {
	t, ok := b.ticket(func(t Ticket) bool { return t.ID == id })
	return t, ok, b.fail("id")
}

func (b book) TicketsOf(_ context.Context, messageID string) ([]int64, error) {
	return b.mails[messageID], b.fail("mail")
}

func (b book) Wrote(_ context.Context, ticket int64) (list []message.Address, err error) {
	for from, on := range b.wrote {
		if on == ticket {
			list = append(list, message.ParseAddresses(from)...)
		}
	}
	return list, b.fail("wrote")
}

func (b book) Participates(_ context.Context, ticket int64, address string) (bool, error) {
	return b.takePart[address] == ticket, b.fail("part")
}

var known = book{
	resources: map[string][]Person{"tech@msp.example": {{29, 0, "Tina"}}},
	first:     map[string][]Person{"jo@acme.example": {{11, 175, "Jo"}}, "shared@acme.example": {{12, 175, "A"}, {13, 175, "B"}}, "both@x.example": {{14, 175, "C"}, {15, 176, "C"}}},
	third:     map[string][]Person{"jo@gmail.com": {{11, 175, "Jo"}}},
	companies: map[string][]int64{"acme.example": {175}, "two.example": {1, 2}, "gmail.com": {99}, "com": {98}},
	tickets:   []Ticket{{7, "T20260213.0045", 175, 11}, {8, "T20260213.0046", 300, 0}},
	mails:     map[string][]int64{"sent@msp.example": {7}, "older@msp.example": {8}, "gone@msp.example": {1234}, "root@unseen.example": {8, 7}},
	takePart:  map[string]int64{"friend@gmail.com": 7},
	wrote:     map[string]int64{"writer@gmail.com": 7, "dev@mail.partner.example": 7, "forms@web.example": 7, "noreply@vendor.example": 7},
}

func mailKeys(t testing.TB) thread.Keys {
	t.Helper()
	k, err := thread.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func support(t testing.TB) Mailbox {
	t.Helper()
	rules, err := rule.Load([]rule.Rule{
		{Name: "printers", When: "subject.contains('Printer')"},
		{Name: "plotters", When: "subject.contains('Plotter')"},
		{Name: "spam", When: "headers.first('X-Spam') == 'yes'", Last: true},
		{Name: "vip", When: "company == 175 && ticket == false && subject.contains('VIP')"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := Mailbox{
		Name: "support", Tenant: "1", Keys: mailKeys(t), Rules: rules,
		Given: []Given{{Fields: Fields{Queue: "Hardware", IssueType: "Printer"}}, {Fields: Fields{Queue: "Plotters"}}, {Treatment: Suspend}, {Fields: Fields{Priority: "1", Company: "0"}}},
		Aliases: []Alias{
			{Address: "support@msp.example", Fields: Fields{Queue: "Level 1"}},
			{Address: "Net@msp.example", Fields: Fields{Queue: "Network", TitlePrefix: "[net] ", Company: "300"}},
			{Address: "lockouts@msp.example", LockoutNotice: true},
		},
		Default:  Fields{Company: "0", Queue: "Triage", Source: "Email", Priority: "3", IssueType: "Mail", SubIssueType: "Other"},
		Lockouts: LockoutNotices{From: []string{"autotask.net"}, Users: []string{"api@msp.example", "api2@msp.example"}, Ours: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
	}
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	return b
}

// brief is a draft in a line.
func brief(d *Draft) string {
	return fmt.Sprintf("%s %s%s by %s of %s, contact %d, queue %s", d.Outcome, d.Cause, d.Ticket.Number, d.Sender.Kind, d.Fields.Company, d.Contact(), d.Fields.Queue)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	b := support(t)
	answer := b.Keys.ReplyTo("1", 8, message.Address{Local: "support", Domain: "msp.example"}).String()
	for name, c := range map[string]struct{ header, want string }{
		"a contact":                        {"From: JO@acme.example\nTo: support@msp.example", "ticket  by contact of 175, contact 11, queue Level 1"},
		"a contact's third address":        {"From: jo@gmail.com\nTo: support@msp.example", "ticket  by contact of 175, contact 11, queue Level 1"},
		"contacts of one company":          {"From: shared@acme.example\nTo: support@msp.example", "ticket  by company of 175, contact 0, queue Level 1"},
		"contacts of two":                  {"From: both@x.example\nTo: support@msp.example", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a company":                        {"From: new@acme.example\nTo: support@msp.example", "ticket  by company of 175, contact 0, queue Level 1"},
		"below its domain":                 {"From: new@mail.eu.acme.example\nTo: support@msp.example", "ticket  by company of 175, contact 0, queue Level 1"},
		"two companies":                    {"From: new@two.example\nTo: support@msp.example", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a stranger":                       {"From: x@gmail.com\nTo: support@msp.example", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a stranger at a suffix":           {"From: x@other.com\nTo: support@msp.example", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a resource":                       {"From: tech@msp.example\nTo: support@msp.example", "ticket  by resource of 0, contact 0, queue Level 1"},
		"nobody":                           {"To: support@msp.example\nX-A: b", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"no alias":                         {"From: jo@acme.example\nTo: other@msp.example", "ticket  by contact of 175, contact 11, queue Triage"},
		"an alias with a company":          {"From: x@gmail.com\nTo: net@msp.example", "ticket  by unknown of 300, contact 0, queue Network"},
		"a sender of a company there":      {"From: jo@acme.example\nTo: net@msp.example", "ticket  by contact of 175, contact 11, queue Network"},
		"delivered is nearer than to":      {"From: jo@acme.example\nDelivered-To: net@msp.example\nTo: support@msp.example", "ticket  by contact of 175, contact 11, queue Network"},
		"a sub-address":                    {"From: jo@acme.example\nTo: support+x@msp.example", "ticket  by contact of 175, contact 11, queue Level 1"},
		"a form":                           {"From: no-reply@forms.example\nReply-To: jo@acme.example\nTo: support@msp.example", "ticket  by contact of 175, contact 11, queue Level 1"},
		"a person's other address":         {"From: x@gmail.com\nReply-To: jo@acme.example\nTo: support@msp.example", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a token":                          {"From: x@gmail.com\nTo: " + answer, "note T20260213.0046 by unknown of 0, contact 0, queue Level 1"},
		"a token of a ticket that is gone": {"From: x@gmail.com\nTo: " + b.Keys.ReplyTo("1", 9, message.Address{Local: "support", Domain: "msp.example"}).String(), "ticket  by unknown of 0, contact 0, queue Level 1"},
		"an answer":                        {"From: jo@acme.example\nTo: support@msp.example\nReferences: <gone@msp.example> <sent@msp.example> <y@z>", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"an answer of a resource":          {"From: tech@msp.example\nTo: support@msp.example\nReferences: <older@msp.example>", "note T20260213.0046 by resource of 0, contact 0, queue Level 1"},
		"an answer of a colleague":         {"From: new@acme.example\nTo: support@msp.example\nReferences: <sent@msp.example>", "note T20260213.0045 by company of 175, contact 0, queue Level 1"},
		"an answer of who takes part":      {"From: friend@gmail.com\nTo: support@msp.example\nReferences: <sent@msp.example>", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"an answer of who wrote before":    {"From: Writer@gmail.com\nTo: support@msp.example\nReferences: <sent@msp.example>", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"an answer from a domain in it":    {"From: boss@partner.example\nTo: support@msp.example\nReferences: <sent@msp.example>", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"an answer of a machine in it":     {"From: noreply@vendor.example\nReply-To: case-7@vendor.example\nTo: support@msp.example\nReferences: <sent@msp.example>", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"a stranger's answer":              {"From: x@gmail.com\nTo: support@msp.example\nReferences: <gone@msp.example> <sent@msp.example> <y@z>", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a stranger's answer in a name":    {"From: noreply@evil.example\nReply-To: jo@acme.example\nTo: support@msp.example\nReferences: <sent@msp.example>", "ticket  by contact of 175, contact 11, queue Level 1"},
		"a stranger's answer, of nobody":   {"From: \nTo: support@msp.example\nReferences: <sent@msp.example>", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a stranger's answer, automatic":   {"From: x@gmail.com\nTo: support@msp.example\nAuto-Submitted: auto-replied\nIn-Reply-To: <sent@msp.example>", "suspended auto-reply by unknown of 0, contact 0, queue Level 1"},
		"the newest of two":                {"From: tech@msp.example\nTo: support@msp.example\nReferences: <older@msp.example> <sent@msp.example>", "note T20260213.0045 by resource of 0, contact 0, queue Level 1"},
		"the one of two that is theirs":    {"From: jo@acme.example\nTo: support@msp.example\nReferences: <sent@msp.example> <older@msp.example>", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"the one of two that name a root":  {"From: jo@acme.example\nTo: support@msp.example\nReferences: <root@unseen.example>", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"a number, by who wrote before":    {"From: writer@gmail.com\nTo: support@msp.example\nSubject: T20260213.0045", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"a number, in a form that wrote":   {"From: forms@web.example\nTo: support@msp.example\nSubject: T20260213.0045", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a number, from a domain in it":    {"From: boss@partner.example\nTo: support@msp.example\nSubject: T20260213.0045", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"a number, and another's answer":   {"From: jo@acme.example\nTo: support@msp.example\nSubject: T20260213.0045\nReferences: <older@msp.example>", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"a form that names two":            {"From: no-reply@forms.example\nReply-To: jo@acme.example, x@acme.example\nTo: support@msp.example", "ticket  by unknown of 0, contact 0, queue Level 1"},
		"two rules":                        {"From: jo@acme.example\nTo: support@msp.example\nSubject: Printer Plotter", "ticket  by contact of 175, contact 11, queue Plotters"},
		"a rule that sets an answer aside": {"From: jo@acme.example\nTo: support@msp.example\nX-Spam: yes\nReferences: <sent@msp.example>", "suspended humanT20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"a number, by a contact":           {"From: jo@acme.example\nTo: support@msp.example\nSubject: Re: T20260213.0045", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"a number, by a resource":          {"From: tech@msp.example\nTo: support@msp.example\nSubject: T20260213.0046", "note T20260213.0046 by resource of 0, contact 0, queue Level 1"},
		"a number, by who took part":       {"From: friend@gmail.com\nTo: support@msp.example\nSubject: T20260213.0045", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"another's number":                 {"From: jo@acme.example\nTo: support@msp.example\nSubject: T20260213.0046", "ticket  by contact of 175, contact 11, queue Level 1"},
		"a number, known by the domain":    {"From: new@acme.example\nTo: support@msp.example\nSubject: T20260213.0045", "ticket  by company of 175, contact 0, queue Level 1"},
		"another's, then its own":          {"From: jo@acme.example\nTo: support@msp.example\nSubject: T20260213.0046 T20260213.0045", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"a rule":                           {"From: jo@acme.example\nTo: support@msp.example\nSubject: Printer", "ticket  by contact of 175, contact 11, queue Hardware"},
		"a rule that gives a company":      {"From: jo@acme.example\nTo: support@msp.example\nSubject: VIP", "ticket  by contact of 0, contact 0, queue Level 1"},
		"a rule that sets aside":           {"From: jo@acme.example\nTo: support@msp.example\nX-Spam: yes\nSubject: VIP", "suspended human by contact of 175, contact 11, queue Level 1"},
		"an alert":                         {"From: alerts@acme.example\nTo: support@msp.example\nAuto-Submitted: auto-generated", "ticket  by company of 175, contact 0, queue Level 1"},
		"an auto-reply to a ticket":        {"From: jo@acme.example\nTo: support@msp.example\nAuto-Submitted: auto-replied\nIn-Reply-To: <sent@msp.example>", "note T20260213.0045 by contact of 175, contact 11, queue Level 1"},
		"an auto-reply to nothing":         {"From: jo@acme.example\nTo: support@msp.example\nAuto-Submitted: auto-replied", "suspended auto-reply by contact of 175, contact 11, queue Level 1"},
		"a bounce of a ticket's mail":      {"From: mailer-daemon@x.example\nTo: support@msp.example\n\nMessage-ID: <sent@msp.example>", "note T20260213.0045 by unknown of 0, contact 0, queue Level 1"},
		"a list":                           {"From: jo@acme.example\nTo: support@msp.example\nList-Id: <it.acme.example>", "ticket  by contact of 175, contact 11, queue Level 1"},
	} {
		m := message.Read([]byte(c.header+"\n\nbody\n"), message.Options{})
		d, err := b.Route(t.Context(), m, known, known)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := brief(d); got != c.want {
			t.Errorf("%s:\n%s, want\n%s\n%s", name, got, c.want, strings.Join(d.Why, "\n"))
		}
		if len(d.Why) < 2 || len(d.Troubles) > 0 || !strings.HasSuffix(d.Description, "\n\nRef: "+d.Reference) {
			t.Errorf("%s: %q, %q, %q", name, d.Why, d.Troubles, d.Description)
		}
		claimed := (strings.Contains(c.header, "T20260213") || strings.Contains(name, "stranger's")) && d.Outcome != Note
		if claimed != (d.Claimed != "") || claimed && !strings.Contains(d.Description, " ticket "+d.Claimed+", with which the sender has nothing to do.") {
			t.Errorf("%s: claims %q, %q", name, d.Claimed, d.Description)
		}
	}
}

func TestOwnMailMakesNothing(t *testing.T) {
	t.Parallel()
	m := message.Read([]byte("From: support@msp.example\nTo: support@msp.example\n\nx"), message.Options{Own: func(message.Header) bool { return true }})
	d, err := support(t).Route(t.Context(), m, book{fails: "resources"}, known)
	if err != nil || d.Outcome != Suppressed || d.Cause != "own" {
		t.Errorf("%+v, %v", d, err)
	}
}

// Whatever cannot be asked, the mail is not routed: it would go wrong.
func TestADirectoryThatIsDown(t *testing.T) {
	t.Parallel()
	token := mailKeys(t).ReplyTo("1", 8, message.Address{Local: "support", Domain: "msp.example"}).String()
	for call, header := range map[string]string{
		"resources": "", "contacts 1": "", "contacts 2": "", "contacts 3": "", "companies": "", "mail": "References: <a@b>",
		"number": "Subject: T20260213.0045", "id": "To: " + token, "part": "Subject: T20260213.0045", "wrote": "References: <sent@msp.example>",
	} {
		down := known
		down.fails = call
		m := message.Read([]byte("From: new@acme.example\n"+header+"\n\nx"), message.Options{})
		if d, err := support(t).Route(t.Context(), m, down, down); !errors.Is(err, errDown) || d != nil {
			t.Errorf("%s: %v, %+v", call, err, d)
		}
	}
}

type pending struct{ book }

func (pending) TicketsOf(context.Context, string) ([]int64, error) { return nil, ErrPending }

func TestAnAnswerWaitsForItsTicket(t *testing.T) {
	t.Parallel()
	m := message.Read([]byte("From: jo@acme.example\nReferences: <a@b>\n\nx"), message.Options{})
	if d, err := support(t).Route(t.Context(), m, known, pending{known}); !errors.Is(err, ErrPending) || d != nil {
		t.Errorf("%v, %+v", err, d)
	}
}

func TestLockoutNotices(t *testing.T) {
	t.Parallel()
	const to = "To: lockouts@msp.example\n"
	for name, c := range map[string]struct {
		mail, want string
	}{
		"from here":       {"From: x@ww5.autotask.net\n" + to + "Subject: Account locked\n\nUser API@msp.example was locked after 7 attempts from 192.0.2.7.\n", "suppressed lockout [api@msp.example] [192.0.2.7] true"},
		"from elsewhere":  {"From: x@autotask.net\n" + to + "Subject: Lockout\n\nUser: api2@msp.example, IP: 2001:db8::7 / 203.0.113.9\n", "suppressed lockout [api2@msp.example] [203.0.113.9 2001:db8::7] false"},
		"no address":      {"From: x@autotask.net\n" + to + "Subject: locked\n\napi@msp.example\n", "suppressed lockout [api@msp.example] [] false"},
		"not from there":  {"From: x@notautotask.net\n" + to + "Subject: locked\n\napi@msp.example\n", "ticket "},
		"another's user":  {"From: x@autotask.net\n" + to + "Subject: locked\n\nxapi@msp.example, api@msp.example.org\n", "ticket "},
		"not a lockout":   {"From: x@autotask.net\n" + to + "Subject: news\n\napi@msp.example has a new clock and blocked time\n", "ticket "},
		"another's alias": {"From: x@autotask.net\nTo: support@msp.example\nSubject: locked\n\napi@msp.example\n", "ticket "},
	} {
		var directory Directory = known
		if strings.HasPrefix(c.want, "suppressed") {
			directory = nil // the user is locked: the PSA must not be asked
		}
		d, err := support(t).Route(t.Context(), message.Read([]byte(c.mail), message.Options{}), directory, known)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%s %s", d.Outcome, d.Cause)
		if d.Lockout != nil {
			if d.Lockout.AddressesKnown != (len(d.Lockout.Addresses) > 0) {
				t.Errorf("%s: %+v", name, d.Lockout)
			}
			got += fmt.Sprintf(" %s %s %t", d.Lockout.Users, d.Lockout.Addresses, d.Lockout.Ours)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestALockoutNoticeAsksThePSANothing: while the login is locked, which is when such notices come, the PSA answers nobody.
func TestALockoutNoticeAsksThePSANothing(t *testing.T) {
	t.Parallel()
	mail := "From: x@autotask.net\nTo: lockouts@msp.example\nSubject: Re: T20260213.0045 locked\nIn-Reply-To: <sent@msp.example>\n\napi@msp.example\n"
	for _, call := range []string{"resources", "contacts 1", "companies", "id", "number", "mail", "part"} {
		down := known
		down.fails = call
		d, err := support(t).Route(t.Context(), message.Read([]byte(mail), message.Options{}), down, down)
		if err != nil || d.Lockout == nil || d.Outcome != Suppressed || d.Reference == "" {
			t.Errorf("%s: %+v, %v", call, d, err)
		}
	}
}

// fussy is a directory that refuses to be asked about what is no address.
type fussy struct{ book }

func (f fussy) Resources(ctx context.Context, address string) ([]Person, error) {
	if len(address) > 254 || strings.ContainsAny(address, "\u202e\ufffd\u2028") {
		return nil, errDown
	}
	return f.book.Resources(ctx, address)
}

func TestAnAddressThatCannotBeAskedAboutKeepsNoMailWaiting(t *testing.T) {
	t.Parallel()
	for _, local := range []string{strings.Repeat("x", 290), "\"a\u202eb\"", "\"a\u2028b\"", "\xff"} {
		raw := "From: " + local + "@acme.example\nTo: support@msp.example\nSubject: hi\n\nHello.\n"
		d, err := support(t).Route(t.Context(), message.Read([]byte(raw), message.Options{}), fussy{known}, known)
		if err != nil || d.Outcome != NewTicket || d.Sender.Kind != Company || d.Sender.Company != 175 {
			t.Errorf("%.20q: %+v, %v", local, d, err)
		}
	}
	if domains := candidates(strings.Repeat("a.", 130)+"acme.example", nil); domains != nil {
		t.Errorf("a domain that is too long: %q", domains)
	}
}

// TestWhomAMachineNamesIsNoProof: anybody may write any Reply-To, and no server checks it as it does From.
func TestWhomAMachineNamesIsNoProof(t *testing.T) {
	t.Parallel()
	for _, named := range []string{"tech@msp.example", "jo@acme.example", "friend@gmail.com"} {
		raw := "From: noreply@evil.example\nReply-To: " + named + "\nTo: support@msp.example\nSubject: T20260213.0045\n\nLet me in.\n"
		d, err := support(t).Route(t.Context(), message.Read([]byte(raw), message.Options{}), known, known)
		if err != nil || d.Outcome != NewTicket || d.Claimed != "T20260213.0045" || d.Sender.Address.String() != named {
			t.Errorf("%s: %s on %s, claimed %q, %v", named, d.Outcome, d.Ticket.Number, d.Claimed, err)
		}
	}
}

// TestNobodySpeaksForUs: who wrote is said in a line of ours, and nothing in a mail makes another of it, or turns it around.
func TestNobodySpeaksForUs(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"": "From: (the mail does not say)", "From: undisclosed\n": "From: (the mail does not say)",
		"From: \"a\u2028From: boss@acme.example\"@evil.example\n":  "From: a From: boss@acme.example@evil.example",
		"From: \"\u202egro.emca\"@evil.example\n":                  "From: gro.emca@evil.example",
		"From: x@evil.example\nCc: \"b\u2029Also\"@evil.example\n": "From: x@evil.example\nAlso to: b Also@evil.example",
		"From: \xff@evil.example\n":                                "From: \ufffd@evil.example",
	} {
		raw := from + "To: support@msp.example\nSubject: hi\n\nFrom: boss@acme.example\n\nPay at once.\n"
		d, err := support(t).Route(t.Context(), message.Read([]byte(raw), message.Options{}), known, known)
		if err != nil {
			t.Fatal(err)
		}
		if head, _, _ := strings.Cut(d.Description, "\n\n"); head != want || strings.ContainsAny(d.Description+d.Title, "\u2028\u2029\u202e") {
			t.Errorf("%q: %q", from, d.Description)
		}
	}
}

func TestGuarded(t *testing.T) {
	t.Parallel()
	draft := func() *Draft {
		d, err := support(t).Route(t.Context(), message.Read([]byte("From: jo@acme.example\n\nx"), message.Options{}), known, known)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := draft()
	if d.Guarded(loop.Verdict{What: loop.Append, Ticket: 5, Cause: "too many"}); d.Outcome != Note || d.Ticket.ID != 5 {
		t.Errorf("%+v", d)
	}
	if d.Guarded(loop.Verdict{What: loop.Suspend, Cause: "too many"}); d.Outcome != Suspended || d.Cause != "loop" || d.CauseText != "too many" {
		t.Errorf("%+v", d)
	}
	if d.Guarded(loop.Verdict{What: loop.Append, Ticket: 5}); d.Outcome != Suspended {
		t.Error("what is suspended is taken again")
	}
	if d = draft(); d.Outcome != NewTicket {
		t.Errorf("%s", d.Outcome)
	}
	if d.Guarded(loop.Verdict{What: loop.Pass}); d.Outcome != NewTicket {
		t.Errorf("%s", d.Outcome)
	}
}

// However long a mail is, the draft is within the PSA's limits, keeps its reference, and loses nothing.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := support(t)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(rapid.SampledFrom([]string{"word ", "äöü", "x", "line\n", "日本"}).Draw(t, "of"), rapid.IntRange(0, 12_000).Draw(t, "times"))
		subject := strings.Repeat(rapid.SampledFrom([]string{"word ", "ä", ""}).Draw(t, "subject of"), rapid.IntRange(0, 400).Draw(t, "subject times"))
		cc := strings.Repeat("someone@example.com, ", rapid.IntRange(0, 50).Draw(t, "cc"))
		header := rapid.SampledFrom([]string{"", "References: <sent@msp.example>\n", "To: net@msp.example\n"}).Draw(t, "header")
		m := message.Read([]byte("From: "+strings.Repeat("N", rapid.IntRange(0, 500).Draw(t, "name"))+" <jo@acme.example>\nCc: "+cc+"\n"+header+"Subject: "+subject+"\n\n"+text), message.Options{})
		d, err := b.Route(context.Background(), m, known, known)
		if err != nil {
			t.Fatal(err)
		}
		title, most := 255, 8000
		if d.Outcome == Note {
			title, most = 250, 32000
		}
		if n := utf8.RuneCountInString(d.Title); n > title || n == 0 {
			t.Fatalf("the title has %d characters", n)
		}
		if n := utf8.RuneCountInString(d.Description); n > most || !strings.HasSuffix(d.Description, "\nRef: "+d.Reference) {
			t.Fatalf("the description has %d characters and ends with %q", n, d.Description[max(0, len(d.Description)-60):])
		}
		whole := strings.Contains(d.Description, m.Text)
		attached := len(d.Files) == 1 && string(d.Files[0].Data) == m.Text && d.Files[0].Name == "message.txt"
		if whole == attached {
			t.Fatalf("in the description: %t, attached: %t", whole, attached)
		}
	})
}

// A mail that comes by a sub-address takes the alias's way, unless that is an alias of its own.
func TestTheWay(t *testing.T) {
	t.Parallel()
	b := support(t)
	b.Aliases = append(b.Aliases, Alias{Address: "support+vip@msp.example"})
	refs := map[string]string{}
	for _, to := range []string{"support@msp.example", "Support+a@msp.example", "support+vip@msp.example", "net@msp.example"} {
		m := message.Read([]byte("From: jo@acme.example\nTo: "+to+"\n\nx"), message.Options{})
		d, err := b.Route(t.Context(), m, known, known)
		if err != nil {
			t.Fatal(err)
		}
		refs[to] = d.Reference
	}
	if plain := refs["support@msp.example"]; plain != refs["Support+a@msp.example"] || plain == refs["support+vip@msp.example"] || plain == refs["net@msp.example"] {
		t.Errorf("%q", refs)
	}
}

// A mailbox that gets another name knows its mails again.
func TestTheWayIsNotTheMailboxsName(t *testing.T) {
	t.Parallel()
	reference := func(name, inbox, to string) string {
		b := support(t)
		b.Name, b.Inbox = name, inbox
		d, err := b.Route(t.Context(), message.Read([]byte("From: jo@acme.example\nTo: "+to+"\n\nx"), message.Options{}), known, known)
		if err != nil {
			t.Fatal(err)
		}
		return d.Reference
	}
	for _, to := range []string{"support@msp.example", "list@elsewhere.example"} {
		if reference("a", "host user", to) != reference("b", "host user", to) {
			t.Errorf("to %s: another reference", to)
		}
	}
	const none = "list@elsewhere.example"
	if reference("a", "host one", none) == reference("a", "host two", none) || reference("a", "", none) == reference("b", "", none) {
		t.Error("a mail into two inboxes has one reference")
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	key := [32]byte{1}
	ref := Reference("1", "support|a@b", key)
	if len(ref) != 35 || ref != Reference("1", "support|a@b", key) {
		t.Errorf("%s", ref)
	}
	for _, other := range []string{Reference("2", "support|a@b", key), Reference("1", "support|a@c", key), Reference("1", "support|a@b", [32]byte{2}), Reference("1|7:support", "a@b", key)} {
		if other == ref {
			t.Error("another mail has the same")
		}
	}
	if want := "mb1"; !strings.HasPrefix(ref, want) || ref != "mb1sikwaonrhmmxbtpeu7cngyblcno2vhqe" {
		t.Errorf("it is kept in the PSA, and is now %s", ref)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Mailbox){
		"no mail address":  func(b *Mailbox) { b.Aliases = append(b.Aliases, Alias{Address: "support"}) },
		"twice":            func(b *Mailbox) { b.Aliases = append(b.Aliases, Alias{Address: "NET@msp.example"}) },
		"cannot be":        func(b *Mailbox) { b.Kinds = map[message.Kind]Treatment{message.Own: Take} },
		"is none of":       func(b *Mailbox) { b.Kinds = map[message.Kind]Treatment{message.Alert: "drop"} },
		"names no company": func(b *Mailbox) { b.Default.Company = "" },
		"4 rules":          func(b *Mailbox) { b.Given = nil },
	} {
		b := support(t)
		change(&b)
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
