package autotask

import (
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/soap"
)

// SOAPCall is one thing that a SOAP call asks for, in the words of REST: policies that name Tickets and companyID judge both interfaces.
type SOAPCall struct {
	Action   Action
	Resource Resource
	Fields   Fields
}

// SOAPCalls returns what a SOAP call asks for, each of which must be permitted: one for each record of a create, update or delete, in
// order, and one for every other call. There is none for a call that needs no sign-in.
func SOAPCalls(q *soap.Request) []SOAPCall {
	switch q.Operation {
	case soap.GetZoneInfo:
		return nil
	case soap.Create, soap.Update, soap.Delete, soap.CreateAttachment:
		all := make([]SOAPCall, len(q.Records))
		for i, rec := range q.Records {
			all[i] = recordCall(q.Operation, rec)
		}
		return all
	case soap.Query:
		entity := SOAPEntity(q.Entity)
		return []SOAPCall{{Query, Resource{Entity: entity}, Fields{Filters: soapNames(entity, q.Filters), All: true, Unsure: soapUnsure(entity, q.Filters)}}}
	}
	return []SOAPCall{readCall(q)}
}

// readCall is what an operation reads. What describes an entity is a reading of that entity, as it is with REST.
func readCall(q *soap.Request) SOAPCall {
	switch q.Operation {
	case soap.GetThresholdAndUsageInfo:
		return SOAPCall{Action: Read, Resource: Resource{Entity: "ThresholdInformation"}, Fields: Fields{All: true}}
	case soap.GetWsdlVersion:
		return SOAPCall{Action: Read, Resource: Resource{Entity: "Version"}, Fields: Fields{All: true}}
	case soap.GetEntityInfo:
		return SOAPCall{Action: Read, Resource: Resource{Entity: "EntityInformation"}, Fields: Fields{All: true}}
	case soap.GetFieldInfo, soap.GetUDFInfo:
		return SOAPCall{Action: Read, Resource: Resource{Entity: SOAPEntity(q.Entity)}}
	case soap.GetInvoiceMarkup:
		return SOAPCall{Action: Read, Resource: Resource{Entity: "Invoices", ID: q.ID}, Fields: Fields{All: true}}
	case soap.DeleteAttachment:
		return SOAPCall{Action: Delete, Resource: Resource{Entity: anyAttachment, ID: q.ID}}
	}
	return SOAPCall{Action: Read, Resource: Resource{Entity: anyAttachment, ID: q.ID}, Fields: Fields{All: true}} // GetAttachment
}

// anyAttachment is the entity of attachments whose parent is not known. SOAP's operations tell their number alone, so that who may reach
// one may reach all. AttachmentInfo, which a query names, is what is known of attachments, but not what is in them.
const anyAttachment = "Attachments"

// attachments are the entities that REST has for attachments, by what they are attached to.
var attachments = func() (names []string) {
	for name, entity := range roots {
		if name == entity && strings.HasSuffix(name, anyAttachment) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()

// Maybe returns the entities of which the record may be one where the call does not tell its kind: what is forbidden of one of them is
// forbidden then.
func (c SOAPCall) Maybe() []string {
	if c.Resource.Entity == anyAttachment {
		return attachments
	}
	return nil
}

// recordCall is what becomes of one record.
func recordCall(op soap.Operation, rec soap.Record) SOAPCall {
	c := SOAPCall{Action: Create, Resource: Resource{Entity: SOAPEntity(rec.Type), ID: rec.ID}}
	switch op {
	case soap.Delete:
		c.Action = Delete
		return c
	case soap.Update:
		c.Action = Update
	case soap.CreateAttachment:
		c.Resource = attachmentOf(rec)
	}
	if c.Action == Create {
		c.Resource.ID = ""
	}
	// The PSA's update sets a record as REST's PUT does, or that must be feared: what is left out becomes empty.
	c.Fields.Written, c.Fields.Whole = soapNames(c.Resource.Entity, rec.Fields), c.Action == Update
	if at, found := slices.BinarySearch(c.Fields.Written, "id"); rec.ID != "" && !found { // REST's bodies name it too
		c.Fields.Written = slices.Insert(c.Fields.Written, at, "id")
	}
	c.Fields.Unsure = !c.Fields.Whole && soapUnsure(c.Resource.Entity, rec.Fields)
	return c
}

// ticketParent is the ParentType of a ticket's attachments, by prasadnarwadkar/AutotaskWebAPI. The other kinds' numbers are not known.
const ticketParent = "4"

// attachmentOf is what an attachment is that is to be created: a ticket's has REST's name.
func attachmentOf(rec soap.Record) Resource {
	if rec.ParentType == ticketParent {
		return Resource{Entity: "TicketAttachments", Parent: "Tickets", ParentID: rec.ParentID}
	}
	return Resource{Entity: anyAttachment}
}

// soapNames returns fields' names as Fields has them.
func soapNames(entity string, names []string) []string {
	all := make([]string, 0, len(names)+1)
	for _, name := range names {
		if udf, ok := strings.CutPrefix(name, soap.UDFPrefix); ok {
			name = udfPrefix + CanonicalUser(udf)
		} else {
			name = SOAPField(entity, name)
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
