package psatest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/internal/psatest"
)

const mailKey = `k&"y`

// post hands a mail to a service.
func post(m *psatest.MailService, from, raw string) error {
	c, err := smtp.Dial(m.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail(from, []string{"addticket@ates.example"}, strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n")))
}

func mailWorld(t *testing.T) (*world, *psatest.MailService) {
	t.Helper()
	w := newWorld(t)
	w.tenant.Seed(0)
	m := w.sim.AddMailService(nil, nil)
	m.Serve(w.tenant, mailKey, 6)
	return w, m
}

// tokenOf is a mail's text with the token after it.
func tokenOf(text string, fields ...string) string {
	b := text + "\n<Autotask><ID name=\"x\"/><PW name=\"k&amp;&quot;y\"/>"
	for i := 0; i < len(fields); i += 2 {
		b += fmt.Sprintf("<%s name=%q/>", fields[i], fields[i+1])
	}
	return b + "</Autotask>\n"
}

func (w *world) records(entity string, where ...any) (all []map[string]any) {
	for _, r := range w.tenant.Records(entity) {
		if len(where) == 0 || fmt.Sprint(r[where[0].(string)]) == fmt.Sprint(where[1]) {
			all = append(all, r)
		}
	}
	return all
}

func TestMailsBecomeTickets(t *testing.T) {
	t.Parallel()
	w, m := mailWorld(t)
	w.must("PATCH", "Companies/1/Contacts", `{"id":2,"emailAddress3":"third@home.example"}`)
	w.must("PATCH", "Companies/2/Contacts", `{"id":3,"emailAddress2":"twice@home.example"}`)
	w.must("PATCH", "Companies/2/Contacts", `{"id":4,"emailAddress2":"twice@home.example"}`)
	head := "From: \"Jo\" <person1@company1.example>\nSubject: =?utf-8?q?Dr=C3=BCcker?=\n"
	for i, c := range []struct {
		raw              string
		title, text      string
		company, contact any
	}{
		{head + "\n" + tokenOf("It is on fire.\n\nRef: x\n"), "Drücker", "It is on fire.\n\nRef: x", int64(1), int64(1)},
		{head + "\n" + tokenOf("", "Email", "THIRD@home.example"), "Drücker", "", int64(1), int64(2)},
		{head + "\n" + tokenOf("x", "Email", "twice@home.example"), "Drücker", "x", int64(0), nil},
		{head + "\n" + tokenOf("x", "Email", "twice@home.example", "Customer", "Company 2"), "Drücker", "x", int64(2), nil},
		{head + "\n" + tokenOf("x", "Email", "nobody@home.example", "Customer", "company 2"), "Drücker", "x", int64(0), nil},
		{"From: a@b.example\nContent-Transfer-Encoding: quoted-printable\n\n" + strings.ReplaceAll(tokenOf("=C3=A4"), `"`, "=22"), "New Ticket - 03/04/2026", "ä", int64(0), nil},
		{"From: a@b.example\nSubject: " + strings.Repeat("s", 300) + "\nContent-Transfer-Encoding: base64\n\nPEF1dG90YXNrPjxQVyBuYW1lPSJrJmFtcDsmcXVvdDt5Ii8+PC9BdXRvdGFzaz4=\n", strings.Repeat("s", 255), "", int64(0), nil},
	} {
		if err := post(m, "us@gateway.example", c.raw); err != nil {
			t.Fatal(err)
		}
		mail := m.Mails()[i]
		if mail.Outcome != psatest.MailTicket || !mail.Told || mail.Tenant != "Example" {
			t.Fatalf("%d: %+v", i, mail)
		}
		got := w.records("Tickets", "id", mail.Ticket)[0]
		description, _ := got["description"].(string)
		if got["title"] != c.title || description != c.text || got["companyID"] != c.company || got["contactID"] != c.contact || got["queueID"] != int64(6) || got["status"] != int64(1) {
			t.Errorf("%d: %v", i, got)
		}
		notice := m.Notices()[i]
		if notice.Failed || notice.To != "us@gateway.example" || !strings.Contains(string(notice.Raw), "created successfully") || !strings.Contains(string(notice.Raw), got["ticketNumber"].(string)) {
			t.Errorf("%d: %s", i, notice.Raw)
		}
	}
}

func TestMailsThatBecomeNoTickets(t *testing.T) {
	t.Parallel()
	w, m := mailWorld(t)
	for _, raw := range []string{
		"Subject: x\n\nno token\n", "Subject: x\n\n<Autotask><PW name=\"wrong\"/></Autotask>\n", "Subject: x\n\n<Autotask><PW name=\n", "Subject: x\nContent-Type: text/html\n\n" + tokenOf("x"),
		"Subject: x\n\n" + tokenOf("x", "TicketNumber", "T20260101.0001"), "no mail",
	} {
		if err := post(m, "us@gateway.example", raw); err != nil {
			t.Fatal(err)
		}
	}
	notices := m.Notices()
	if len(notices) != 6 || len(w.records("Tickets")) != 0 {
		t.Fatalf("%d notices, tickets %v", len(notices), w.records("Tickets"))
	}
	for i, n := range notices {
		if !n.Failed || m.Mails()[i].Outcome != psatest.MailFailed || !strings.Contains(string(n.Raw), "failed") {
			t.Errorf("%s, %+v", n.Raw, m.Mails()[i])
		}
	}
	m.Adjust(func(s *psatest.MailSettings) { s.Quiet = true })
	for _, from := range []string{"us@gateway.example", ""} {
		if err := post(m, from, "no mail"); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Notices()) != 6 {
		t.Error("a quiet service wrote to somebody")
	}
}

func TestMailsToTicketsThatAreThere(t *testing.T) {
	t.Parallel()
	w, m := mailWorld(t)
	told := 0
	m.Adjust(func(s *psatest.MailSettings) { s.Notify = func(psatest.MailNotice) { told++ } })
	for _, raw := range []string{"Subject: first\n\n" + tokenOf("x"), "Subject: note\n\n" + tokenOf("more", "TicketNumber", "t20260304.0001")} {
		if err := post(m, "us@gateway.example", raw); err != nil {
			t.Fatal(err)
		}
	}
	notes := w.records("TicketNotes")
	if len(notes) != 1 || notes[0]["title"] != "note" || notes[0]["description"] != "more" || m.Mails()[1].Outcome != psatest.MailNote || told != 2 {
		t.Errorf("%v, %+v", notes, m.Mails())
	}
	w.tenant.SetDuplicateTitles(true)
	for duplicates, want := range map[psatest.Duplicates]psatest.MailOutcome{psatest.DuplicatesAppended: psatest.MailNote, psatest.DuplicatesIgnored: psatest.MailIgnored} {
		w.tenant.SetDuplicates(duplicates)
		if err := post(m, "us@gateway.example", "Subject: FIRST\n\n"+tokenOf("again")); err != nil {
			t.Fatal(err)
		}
		if mails := m.Mails(); mails[len(mails)-1].Outcome != want || mails[len(mails)-1].Ticket != 1 {
			t.Errorf("%+v", mails)
		}
	}
	if len(w.records("Tickets")) != 1 || len(w.records("TicketNotes")) != 2 {
		t.Errorf("%v", w.records("TicketNotes"))
	}
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	w, m := mailWorld(t)
	raw := "Subject: x\n\n" + tokenOf("x")
	for at, taken := range map[psatest.MailPoint]int{psatest.MailHello: 0, psatest.MailSender: 0, psatest.MailRecipient: 0, psatest.MailText: 0, psatest.MailEnded: 0, psatest.MailTaken: 1} {
		for _, code := range []int{0, 451, 554} {
			if at == psatest.MailText && code != 0 {
				continue
			}
			before := len(m.Mails())
			m.Fault(psatest.MailFault{At: at, Code: code, Text: "ordered", Times: 1})
			err := post(m, "a@b.example", raw)
			if err == nil || code != 0 && !strings.Contains(err.Error(), "ordered") {
				t.Errorf("point %d, code %d: %v", at, code, err)
			}
			mails := m.Mails()
			if len(mails)-before != taken || taken == 1 && mails[before].Told {
				t.Errorf("point %d, code %d: %d taken", at, code, len(mails)-before)
			}
		}
	}
	m.Fault(psatest.MailFault{At: psatest.MailSender})
	for range 2 {
		if post(m, "a@b.example", raw) == nil {
			t.Error("no fault")
		}
	}
	m.Heal()
	if err := post(m, "a@b.example", raw); err != nil || len(w.records("Tickets")) != 4 {
		t.Errorf("%v, %v", err, w.records("Tickets"))
	}
}

func TestTheServiceTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		sim := psatest.New()
		defer sim.Close()
		tenant := sim.AddTenant("Example", sim.AddZoneOn("5", network.Listen("zone5.test:80")))
		m := sim.AddMailService(network.Listen("ates.test:25"), nil)
		m.Serve(tenant, mailKey, 6)
		m.Adjust(func(s *psatest.MailSettings) { s.Latency, s.Alike = 10*time.Minute, 2 })
		send := func(subject string) {
			t.Helper()
			conn, err := network.DialContext(t.Context(), "tcp", m.Addr())
			if err != nil {
				t.Fatal(err)
			}
			c := smtp.NewClient(conn)
			defer c.Close()
			if err := c.SendMail("a@b.example", []string{"x@ates.test"}, strings.NewReader("From: a@b.example\r\nSubject: "+subject+"\r\n\r\n"+tokenOf("x"))); err != nil {
				t.Fatal(err)
			}
		}
		count := func(want int) {
			t.Helper()
			synctest.Wait()
			if n := len(tenant.Records("Tickets")); n != want {
				t.Errorf("%d tickets, want %d", n, want)
			}
		}
		for _, subject := range []string{"alike", "Alike", "alike", "other"} {
			send(subject)
		}
		count(0)
		time.Sleep(11 * time.Minute)
		count(3) // one was dropped
		if mails := m.Mails(); mails[2].Outcome != psatest.MailDropped || len(m.Notices()) != 3 {
			t.Errorf("%+v", mails)
		}
		send("alike")
		m.Adjust(func(s *psatest.MailSettings) { s.Hold = true })
		send("held")
		time.Sleep(time.Hour)
		count(4)
		m.Work()
		count(5)
		if err := m.WaitWorked(t.Context(), 6); err != nil {
			t.Error(err)
		}
		m.Adjust(func(s *psatest.MailSettings) { s.Hold = false })
		send("never") // the Sim is closed before its time
	})
}

func TestSwitchesForMail(t *testing.T) {
	t.Parallel()
	now := noon
	w := newWorldAt(t, func() time.Time { return now })
	w.tenant.Seed(1)
	ticket := `{"companyID":1,"title":"x","status":1,"priority":1,"queueID":6,"externalID":"mb1x"}`
	w.sim.Adjust(func(b *psatest.Behaviour) { b.NoExternalID = true })
	w.must("POST", "Tickets", ticket)
	if got := w.records("Tickets", "id", 2)[0]["externalID"]; got != nil {
		t.Errorf("the external id is %v", got)
	}
	w.sim.Adjust(psatest.AutotaskLimits)
	w.sim.Adjust(func(b *psatest.Behaviour) {
		if b.Attached != 10_000_000 {
			t.Errorf("Autotask takes %d bytes", b.Attached)
		}
		b.Attached = 10_000 // so many bytes take their time
	})
	attach := func(bytes int) reply {
		body, err := json.Marshal(map[string]any{"title": "f", "fullPath": "f", "attachmentType": "FILE_ATTACHMENT", "publish": 1, "data": make([]byte, bytes)})
		if err != nil {
			t.Fatal(err)
		}
		return w.do("POST", "Tickets/2/Attachments", string(body))
	}
	for _, c := range []struct {
		after time.Duration
		bytes int
		taken bool
	}{
		{0, 6_000, true},
		{0, 4_000, true},
		{time.Minute, 1, false}, // and none for five minutes
		{5*time.Minute - time.Second, 1, false},
		{2 * time.Second, 1, true},
		{0, 10_000, false},
	} {
		now = now.Add(c.after)
		if r := attach(c.bytes); (r.status == 200) != c.taken {
			t.Errorf("%d bytes after %s: %d %s", c.bytes, c.after, r.status, r.body[:min(len(r.body), 200)])
		}
	}
}

func TestALateCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant.Seed(0)
	base := w.sim.AddZone("7")
	w.tenant.Migrate(base)
	create := func() error {
		r := request("POST", base.URL()+"/ATServicesRest/V1.0/Tickets", `{"companyID":1,"title":"x","status":1,"priority":1,"queueID":6}`, userName, secret, code)
		r.RequestURI = ""
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	held := w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Later, Hold: true, Times: 1})
	if err := create(); err == nil {
		t.Error("the call was answered")
	}
	if err := held.WaitHeld(t.Context(), 1); err != nil || len(w.records("Tickets")) != 0 {
		t.Fatalf("%v, %v", err, w.records("Tickets"))
	}
	held.Release()
	for len(w.records("Tickets")) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("it is never done")
		}
		time.Sleep(time.Millisecond)
	}
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Later, Delay: time.Hour})
	if err := create(); err == nil {
		t.Error("the call was answered")
	}
	defer func() {
		if recover() == nil {
			t.Error("one that was not judged is done later")
		}
	}()
	w.sim.Fault(psatest.Fault{At: psatest.Applied, Then: psatest.Later})
}

// presented is a client that presents an access token, and answers the challenge of a server that refuses it.
type presented string

func (p presented) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=us@msp.example\x01auth=Bearer " + string(p) + "\x01\x01"), nil
}

func (presented) Next([]byte) ([]byte, error) { return []byte{}, nil }

func TestMailsComeFromThoseWhoSignInAlone(t *testing.T) {
	t.Parallel()
	_, m := mailWorld(t)
	m.Adjust(func(s *psatest.MailSettings) {
		s.SignIn = func(user, token string) bool { return user == "us@msp.example" && token == "right" }
	})
	raw := "Subject: first\n\n" + tokenOf("x")
	if err := post(m, "us@msp.example", raw); err == nil || !strings.Contains(err.Error(), "sign in first") {
		t.Errorf("without: %v", err)
	}
	for token, right := range map[string]bool{"wrong": false, "right": true} {
		c, err := smtp.Dial(m.Addr())
		if err != nil {
			t.Fatal(err)
		}
		err = c.Auth(presented(token))
		if (err == nil) != right || err != nil && !strings.Contains(err.Error(), "not valid") {
			t.Errorf("%s: %v", token, err)
		}
		if err := c.SendMail("us@msp.example", []string{"addticket@ates.example"}, strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n"))); (err == nil) != right {
			t.Errorf("%s: %v", token, err)
		}
		_ = c.Close()
	}
	if mails := m.Mails(); len(mails) != 1 || mails[0].Outcome != psatest.MailTicket {
		t.Errorf("%+v", mails)
	}
}
