package psatest

import (
	"cmp"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
)

// work makes of a mail what it becomes, and tells its sender.
func (m *MailService) work(no int) {
	now := m.sim.now().UTC().Truncate(time.Millisecond)
	m.mu.Lock()
	in := m.mails[no-1]
	read, err := readServiceMail(in.Raw)
	box, known := m.keys[digested(read.token.PW.Name)]
	loop := err == nil && m.loops(no, read)
	m.mu.Unlock()

	number := ""
	switch {
	case loop:
		in.Outcome = MailDropped
	case err != nil:
		in.Outcome, in.Why = MailFailed, err.Error()
	case !known:
		in.Outcome, in.Why = MailFailed, "the password of the token is not known"
	default:
		in.Tenant = box.tenant.name
		in.Outcome, in.Ticket, number, in.Why = box.tenant.take(read, box.queue, now)
	}

	m.mu.Lock()
	kept := &m.mails[no-1]
	kept.Outcome, kept.Why, kept.Tenant, kept.Ticket = in.Outcome, in.Why, in.Tenant, in.Ticket
	notice, send := in.notice(read, number)
	if send = send && !m.set.Quiet; send {
		m.notices = append(m.notices, notice)
	}
	tell := m.set.Notify
	m.changed.beat()
	m.mu.Unlock()
	if send && tell != nil {
		tell(notice)
	}
}

// loops tells whether a mail is one too many alike. Called with mu held.
func (m *MailService) loops(no int, read readMail) bool {
	if m.set.Alike == 0 {
		return false
	}
	at, alike := m.mails[no-1].At, 0
	for _, other := range m.mails[:no-1] {
		r, err := readServiceMail(other.Raw)
		if err == nil && r.sender == read.sender && strings.EqualFold(r.subject, read.subject) && at.Sub(other.At) < cmp.Or(m.set.Window, 5*time.Minute) {
			alike++
		}
	}
	return alike >= m.set.Alike
}

// take makes a ticket, or a note on the one that the token names.
func (t *Tenant) take(m readMail, queue int64, now time.Time) (outcome MailOutcome, id int64, number, why string) {
	t.data.Lock()
	defer t.data.Unlock()
	if wanted := m.token.TicketNumber.Name; wanted != "" {
		for old := range t.table(tickets).after(beforeAll) {
			if sameText(old.vals["ticketNumber"], wanted) {
				t.noteOn(old, cut(m.subject, 250), cut(m.text, 32_000), 0, now)
				return MailNote, old.id(), wanted, ""
			}
		}
		return MailFailed, 0, "", "there is no ticket " + wanted
	}
	r := t.mailed(m, queue, now)
	if errs := t.check(tickets, r, newRecord()); len(errs) > 0 {
		return MailFailed, 0, "", errs[0]
	}
	if old := t.older(r, object{}); old != nil {
		number, _ := old.vals["ticketNumber"].(string)
		if t.duplicates == DuplicatesAppended {
			t.noteOn(old, cut(m.subject, 250), r.vals["description"], 0, now)
			return MailNote, old.id(), number, ""
		}
		return MailIgnored, old.id(), number, ""
	}
	tickets.fill(t, r)
	number, _ = r.vals["ticketNumber"].(string)
	return MailTicket, t.table(tickets).add(r), number, ""
}

// mailed is a mail as a ticket. Called with data held.
func (t *Tenant) mailed(m readMail, queue int64, now time.Time) *record {
	r := newRecord()
	r.vals["title"] = cut(cmp.Or(strings.TrimSpace(m.subject), "New Ticket - "+now.Format("01/02/2006")), 255)
	if m.text != "" {
		r.vals["description"] = cut(m.text, 8000)
	}
	company, contact := t.sentBy(m)
	r.vals["companyID"] = company
	if contact != 0 {
		r.vals["contactID"] = contact
	}
	r.vals["status"], r.vals["queueID"] = int64(1), queue
	if list := t.active(tickets, tickets.field("priority")); len(list) > 0 {
		r.vals["priority"] = int64(list[0].Value)
	}
	r.vals["createDate"], r.vals["lastActivityDate"] = now, now
	t.defaults(tickets, r)
	return r
}

// sentBy is the company that a token names exactly, else that of the one contact with the address in its first, second or third
// field; 0 is the own one. Called with data held.
func (t *Tenant) sentBy(m readMail) (company, contact int64) {
	named := false
	for c := range t.table(companies).after(beforeAll) {
		if c.vals["companyName"] == m.token.Customer.Name {
			company, named = c.id(), true
		}
	}
	address := cmp.Or(strings.ToLower(m.token.Email.Name), m.sender)
	for _, field := range []string{"emailAddress", "emailAddress2", "emailAddress3"} {
		var found []*record
		for c := range t.table(contacts).after(beforeAll) {
			if sameText(c.vals[field], address) && (!named || c.vals["companyID"] == company) {
				found = append(found, c)
			}
		}
		switch {
		case len(found) == 1:
			return found[0].vals["companyID"].(int64), found[0].id()
		case len(found) > 1:
			return company, 0
		}
	}
	return company, 0
}

// noteOn makes a note. Called with data held.
func (t *Tenant) noteOn(old *record, title, text any, creator int64, now time.Time) {
	note := newRecord()
	note.vals["ticketID"], note.vals["title"], note.vals["description"] = old.id(), title, text
	note.vals["noteType"], note.vals["publish"] = int64(1), int64(1)
	note.vals["createDateTime"], note.vals["lastActivityDate"] = now, now
	if creator != 0 {
		note.vals["creatorResourceID"] = creator
	}
	t.table(ticketNotes).add(note)
	old.vals["lastActivityDate"] = now
}

func cut(text string, most int) string {
	if all := []rune(text); len(all) > most {
		return string(all[:most])
	}
	return text
}

// notice is what is written to the envelope's sender, if there is one to write to. It has nothing that a mail program would know an
// automatic mail by, and names no Message-ID: whether the real ones do is not known.
func (s ServiceMail) notice(m readMail, number string) (MailNotice, bool) {
	if s.From == "" || !slices.Contains([]MailOutcome{MailTicket, MailNote, MailIgnored, MailFailed}, s.Outcome) {
		return MailNotice{}, false
	}
	subject, text := "Ticket created: "+m.subject, "Your ticket "+number+" was created successfully.\r\n"
	if s.Outcome == MailFailed {
		subject, text = "Ticket creation failed: "+m.subject, "The ticket could not be created: "+s.Why+"\r\n"
	}
	raw := fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s",
		s.To, s.From, mime.QEncoding.Encode("utf-8", subject), s.At.Format(time.RFC1123Z), text)
	return MailNotice{To: s.From, Failed: s.Outcome == MailFailed, Raw: []byte(raw)}, true
}
