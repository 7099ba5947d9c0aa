package psatest

import (
	"strconv"
	"strings"
)

// attachmentInfo is the SOAP entity of attachments.
func attachmentInfo() *soapEntity {
	e, err := entityCalled("AttachmentInfo")
	if err != nil {
		panic("psatest: no entity of attachments: " + err.Error())
	}
	return e
}

// attachment finds the attachment that a call asks for.
func (c *call) attachment(in *node) (*record, error) {
	id, err := strconv.ParseInt(param(in, "attachmentId"), 10, 64)
	r := c.who.tenant.table(ticketAttachments).rows[id]
	if err != nil || r == nil {
		return nil, complain("The attachment with id %s does not exist.", param(in, "attachmentId"))
	}
	return r, nil
}

func getAttachment(c *call, in *node) (func(*xmlWriter), error) {
	r, err := c.attachment(in)
	if err != nil {
		return nil, err
	}
	return func(w *xmlWriter) {
		if data, has := r.vals["data"].(string); has {
			w.leaf("Data", data)
		}
		w.in("Info", func() { attachmentInfo().writeFields(w, c.who.tenant, r) })
	}, nil
}

// createAttachment answers with the id. Only tickets have attachments here.
func createAttachment(c *call, in *node) (func(*xmlWriter), error) {
	sent := in.child(atwsSpace, "attachment")
	info := sent.child(atwsSpace, "Info")
	if info == nil {
		return nil, complaint(missing("Info"))
	}
	if kind := info.child(atwsSpace, "ParentType").value(); kind != strconv.Itoa(parentTicket) {
		return nil, complain("The ParentType %q can have no attachments; a ticket's is %d.", kind, parentTicket)
	}
	e := attachmentInfo()
	body := e.body(info, false)
	body["data"] = strings.Join(strings.Fields(sent.child(atwsSpace, "Data").value()), "")
	id, _, errs := c.store(e.of, body)
	if len(errs) > 0 {
		return nil, complaint(strings.Join(e.rewordAll(errs), " "))
	}
	return func(w *xmlWriter) { w.chars(strconv.FormatInt(id, 10)) }, nil
}

// deleteAttachment answers with what was wrong, which is nothing if the attachment is gone.
func deleteAttachment(c *call, in *node) (func(*xmlWriter), error) {
	r, err := c.attachment(in)
	if err == nil {
		err = c.erase(ticketAttachments, r.id())
	}
	return func(w *xmlWriter) {
		if err != nil {
			w.chars(err.Error())
		}
	}, nil
}
