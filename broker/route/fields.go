package route

import (
	"fmt"
	"strconv"
	"strings"
)

// Fields are what an alias, a default or a rule says of a ticket. Empty ones say nothing. Where a field has a picklist in
// the PSA, its value is an id or a label of it; Resolve finds which.
type Fields struct {
	// Company is the PSA's id of one; "0" is the PSA's owner.
	Company string
	Queue   string
	Source, Priority, Status,
	IssueType, SubIssueType,
	TicketType, Category string
	// TitlePrefix stands before the title.
	TitlePrefix string
}

// refs are the fields in the order in which they are resolved: a sub-issue type depends on the issue type.
func (f *Fields) refs() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{
		{"company", &f.Company},
		{"queue", &f.Queue},
		{"source", &f.Source},
		{"priority", &f.Priority},
		{"status", &f.Status},
		{"issue_type", &f.IssueType},
		{"sub_issue_type", &f.SubIssueType},
		{"ticket_type", &f.TicketType},
		{"category", &f.Category},
		{"title_prefix", &f.TitlePrefix},
	}
}

// Over are the fields where those of others are taken for what is empty. An issue type of its own leaves the others'
// sub-issue type behind, which would not fit.
func (f Fields) Over(others Fields) Fields {
	if f.IssueType != "" && f.SubIssueType == "" && f.IssueType != others.IssueType {
		others.SubIssueType = ""
	}
	theirs := others.refs()
	for i, mine := range f.refs() {
		if *mine.value == "" {
			*mine.value = *theirs[i].value
		}
	}
	return f
}

// Choice is an entry of a picklist.
type Choice struct {
	ID    int64
	Label string
	// Parent is the id of the issue type that a sub-issue type is of, else 0.
	Parent int64
	// Inactive ones are there for old tickets.
	Inactive bool
}

// Picklists are those of the PSA, by the names of Fields: queue, source, priority, status, issue_type, sub_issue_type,
// ticket_type, category.
type Picklists map[string][]Choice

// IDs are Fields resolved; a field that says nothing is not in it. Company is in it as "company".
type IDs map[string]int64

// Resolve finds what the fields mean in the PSA. What it does not find is left out, and in troubles: a mail with a queue
// that is gone still becomes a ticket.
func (p Picklists) Resolve(f Fields) (ids IDs, troubles []string) {
	ids = IDs{}
	for _, field := range f.refs() {
		value := strings.TrimSpace(*field.value)
		if value == "" || field.name == "title_prefix" {
			continue
		}
		id, err := p.find(field.name, value, ids["issue_type"])
		if err != nil {
			troubles = append(troubles, err.Error())
			continue
		}
		ids[field.name] = id
	}
	return ids, troubles
}

func (p Picklists) find(field, value string, issueType int64) (int64, error) {
	if field == "company" {
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id < 0 {
			return 0, fmt.Errorf("company %q is no id", value)
		}
		return id, nil
	}
	var fits []Choice
	for _, c := range p[field] {
		same := strings.EqualFold(strings.TrimSpace(c.Label), value) || strconv.FormatInt(c.ID, 10) == value
		if same && (c.Parent == 0 || c.Parent == issueType) {
			fits = append(fits, c)
		}
	}
	for _, c := range fits { // an id may look like another's label: the id is meant
		if strconv.FormatInt(c.ID, 10) == value {
			fits = []Choice{c}
			break
		}
	}
	switch {
	case len(fits) == 0:
		return 0, fmt.Errorf("%s %q is not in the PSA's picklist", field, value)
	case len(fits) > 1:
		return 0, fmt.Errorf("%s %q is in the PSA's picklist %d times; name its id", field, value, len(fits))
	case fits[0].Inactive:
		return 0, fmt.Errorf("%s %q is inactive in the PSA", field, value)
	}
	return fits[0].ID, nil
}
