package psatest

import (
	"fmt"
	"time"
)

// seedStart is when the first seeded ticket was created, so that seeds do not depend on the clock.
var seedStart = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// found makes what every database has: the own company, id 0.
func (t *Tenant) found() {
	own := newRecord()
	own.vals["companyName"], own.vals["isActive"] = t.name, true
	own.vals["companyType"], own.vals["phone"] = int64(1), "555-0100"
	t.table(companies).put(0, own)
}

func (t *Tenant) addResource(userName string) int64 {
	r := newRecord()
	r.vals["firstName"], r.vals["lastName"] = "API", userName
	r.vals["email"], r.vals["userName"] = userName, userName
	r.vals["isActive"], r.vals["licenseType"] = true, int64(7)
	return t.table(resources).add(r)
}

// Seed adds records that are the same on every run: three companies with two contacts each, and n tickets a
// minute apart that spread over them, over statuses, priorities and queues.
func (t *Tenant) Seed(n int) {
	t.data.Lock()
	defer t.data.Unlock()
	owner := t.addResource("dispatcher")
	var people []*record
	for c := range 3 {
		company := newRecord()
		company.vals["companyName"] = fmt.Sprintf("Company %d", c+1)
		company.vals["phone"], company.vals["companyType"] = fmt.Sprintf("555-02%02d", c), int64(1)
		company.vals["ownerResourceID"], company.vals["isActive"] = owner, true
		company.vals["createDate"] = seedStart
		companyID := t.table(companies).add(company)
		for p := range 2 {
			contact := newRecord()
			contact.vals["companyID"], contact.vals["isActive"] = companyID, int64(1)
			contact.vals["firstName"], contact.vals["lastName"] = fmt.Sprintf("Person %d", p+1), fmt.Sprintf("Of Company %d", c+1)
			contact.vals["emailAddress"] = fmt.Sprintf("person%d@company%d.example", p+1, c+1)
			contact.vals["createDate"] = seedStart
			t.table(contacts).add(contact)
			people = append(people, contact)
		}
	}
	for i := range n {
		t.seedTicket(i, people[i%len(people)])
	}
}

func (t *Tenant) seedTicket(i int, contact *record) {
	pickOf := func(field string) int64 {
		list := t.active(tickets, tickets.field(field))
		return int64(list[i%len(list)].Value)
	}
	r := newRecord()
	at := seedStart.Add(time.Duration(i) * time.Minute)
	r.vals["title"], r.vals["description"] = fmt.Sprintf("Ticket %04d", i+1), fmt.Sprintf("What went wrong the %d. time", i+1)
	r.vals["companyID"], r.vals["contactID"] = contact.vals["companyID"], contact.id()
	r.vals["status"], r.vals["priority"], r.vals["queueID"] = pickOf("status"), pickOf("priority"), pickOf("queueID")
	r.vals["createDate"], r.vals["lastActivityDate"], r.vals["dueDateTime"] = at, at, at.Add(24*time.Hour)
	t.defaults(tickets, r)
	tickets.fill(t, r)
	t.table(tickets).add(r)
}
