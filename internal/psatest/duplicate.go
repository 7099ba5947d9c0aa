package psatest

import "strings"

// Duplicates is a tenant's Duplicate Ticket Handling: what becomes of a new ticket that has the ticket number,
// the alert id (rMMAlertID) or the monitoring service's ticket id (a user-defined field whose name ends in
// "Ticket ID") of one that its company has already.
type Duplicates int

// The settings. How REST tells of a duplicate is not known; SOAP gives the id of the older ticket, as here.
const (
	DuplicatesStored   Duplicates = iota // it is a ticket like another
	DuplicatesAppended                   // it becomes a note of the older one
	DuplicatesIgnored                    // nothing is stored
)

// SetDuplicates sets the tenant's Duplicate Ticket Handling.
func (t *Tenant) SetDuplicates(d Duplicates) {
	t.data.Lock()
	defer t.data.Unlock()
	t.duplicates = d
}

// SetDuplicateTitles says whether a ticket with the title of one that its company has is a duplicate, too. Autotask is not known to
// look at titles; it is the simplest way to have any ticket merged.
func (t *Tenant) SetDuplicateTitles(on bool) {
	t.data.Lock()
	defer t.data.Unlock()
	t.duplicateTitles = on
}

// older is the ticket that a new one duplicates, nil if none or if the tenant does not care. The number that
// the body asks for is not the new ticket's, which the server sets, but it may be an older one's. Called with
// data held.
func (t *Tenant) older(r *record, body object) *record {
	if t.duplicates == DuplicatesStored {
		return nil
	}
	number, _ := body["ticketnumber"].(string)
	for old := range t.table(tickets).after(beforeAll) {
		same := sameText(old.vals["ticketNumber"], number) || sameMonitoring(old, r) || t.duplicateTitles && sameText(old.vals["title"], r.vals["title"])
		if same && old.vals["companyID"] == r.vals["companyID"] {
			return old
		}
	}
	return nil
}

func sameMonitoring(old, r *record) bool {
	if sameText(old.vals["rMMAlertID"], r.vals["rMMAlertID"]) {
		return true
	}
	for name, v := range r.udf {
		if strings.HasSuffix(strings.ToLower(name), "ticket id") && sameText(old.udf[name], v) {
			return true
		}
	}
	return false
}

// sameText compares two values that are texts, without case; what is absent or empty is the same as nothing.
func sameText(a, b any) bool {
	x, _ := a.(string)
	y, _ := b.(string)
	return x != "" && strings.EqualFold(x, y)
}

// merge does with a duplicate what the tenant wants, which is either to keep it as a note or nothing. Called with data held.
func (c *call) merge(old, r *record) {
	if t := c.who.tenant; t.duplicates == DuplicatesAppended {
		t.noteOn(old, r.vals["title"], r.vals["description"], c.who.id, c.stamp())
	}
}
