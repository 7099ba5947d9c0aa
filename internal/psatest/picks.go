package psatest

// Pick is one value of a picklist. Ids and labels are a tenant's own.
type Pick struct {
	Value    int
	Label    string
	Parent   int  // the value of the picklist above, where there is one
	Default  bool // set at create when the field is not sent
	System   bool
	Inactive bool
}

func pickKey(e *entity, f *field) string { return e.name + "." + f.name }

// defaultPicks is a tenant as it comes. Only status New and Complete are the same everywhere.
func defaultPicks() map[string][]Pick {
	publish := []Pick{{Value: 1, Label: "All Autotask Users", System: true}, {Value: 2, Label: "Internal Project Team", System: true}}
	return map[string][]Pick{
		"Tickets.status": {
			{Value: 1, Label: "New", System: true},
			{Value: 5, Label: "Complete", System: true},
			{Value: 7, Label: "Waiting Customer"},
			{Value: 8, Label: "In Progress"},
			{Value: 9, Label: "On Hold", Inactive: true},
		},
		"Tickets.priority": {
			{Value: 1, Label: "High"}, {Value: 2, Label: "Medium"}, {Value: 3, Label: "Low"}, {Value: 4, Label: "Critical"},
		},
		"Tickets.queueID": {
			{Value: 5, Label: "Client Portal", System: true},
			{Value: 6, Label: "Post Sale"},
			{Value: 8, Label: "Monitoring Alert", System: true},
			{Value: 29682833, Label: "Level I Support"},
			{Value: 29683354, Label: "Level II Support"},
		},
		"Tickets.source": {
			{Value: -1, Label: "Other", Default: true, System: true},
			{Value: 2, Label: "Phone"},
			{Value: 4, Label: "Email", System: true},
			{Value: 8, Label: "Monitoring Alert", System: true},
		},
		"Tickets.ticketType": {
			{Value: 1, Label: "Service Request", Default: true, System: true},
			{Value: 2, Label: "Incident", System: true},
			{Value: 3, Label: "Problem", System: true},
			{Value: 4, Label: "Change Request", System: true},
			{Value: 5, Label: "Alert", System: true},
		},
		"Tickets.ticketCategory": {{Value: 1, Label: "Standard (non-editable)", System: true}, {Value: 3, Label: "Standard", Default: true}},
		"Tickets.issueType":      {{Value: 10, Label: "Computer"}, {Value: 11, Label: "Network"}},
		"Tickets.subIssueType": {
			{Value: 136, Label: "Hardware", Parent: 10}, {Value: 137, Label: "Software", Parent: 10}, {Value: 142, Label: "Firewall", Parent: 11},
		},
		"TicketNotes.noteType":      {{Value: 1, Label: "Task Detail"}, {Value: 3, Label: "Task Notes"}, {Value: 13, Label: "Workflow Rule Note", System: true}},
		"TicketNotes.publish":       publish,
		"TicketAttachments.publish": publish,
		"CompanyNotes.actionType":   {{Value: 1, Label: "General"}, {Value: 2, Label: "Phone Call"}, {Value: 3, Label: "Meeting", System: true}},
		"Companies.companyType":     {{Value: 1, Label: "Customer", System: true}, {Value: 2, Label: "Lead"}, {Value: 3, Label: "Prospect"}},
		"Resources.licenseType":     {{Value: 1, Label: "Professional", System: true}, {Value: 7, Label: "API User", System: true}},
	}
}

// active is what may be set on a picklist field. Called with data held.
func (t *Tenant) active(e *entity, f *field) []Pick {
	var list []Pick
	for _, p := range t.picks[pickKey(e, f)] {
		if !p.Inactive {
			list = append(list, p)
		}
	}
	return list
}

// picked finds a value in a field's picklist. Called with data held.
func (t *Tenant) picked(e *entity, f *field, value int64) (Pick, bool) {
	for _, p := range t.active(e, f) {
		if int64(p.Value) == value {
			return p, true
		}
	}
	return Pick{}, false
}

// defaults sets the picklists that have a default and were not sent. Called with data held.
func (t *Tenant) defaults(e *entity, r *record) {
	for i := range e.fields {
		f := &e.fields[i]
		if !f.pick || r.vals[f.name] != nil {
			continue
		}
		for _, p := range t.active(e, f) {
			if p.Default {
				r.vals[f.name] = int64(p.Value)
			}
		}
	}
}
