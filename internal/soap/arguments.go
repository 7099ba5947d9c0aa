package soap

// arguments reads the operation's element, whose start tag was read. What the PSA does not know is refused: it might know it.
func (r *reader) arguments() error {
	found := ""
	for {
		more, err := r.child()
		if err != nil {
			return err
		}
		if !more {
			return r.enough(found)
		}
		if r.tag.space != nsATWS {
			return r.refuse("the operation holds an element of another namespace than " + nsATWS)
		}
		switch local := string(r.tag.local); {
		case r.req.Operation == GetInvoiceMarkup && local == "Format":
			if err := r.value(); err != nil {
				return err
			}
			continue
		case local != parameters[r.req.Operation]:
			return r.refuse("the operation holds an element that it does not have in the WSDL")
		case found != "":
			return r.refuse("the operation holds an element twice")
		default:
			found = local
		}
		if err := r.argument(); err != nil {
			return err
		}
	}
}

// parameters are the one element that each operation has; GetInvoiceMarkup has another.
var parameters = map[Operation]string{
	Query: "sXML", Create: parameterEntities, Update: parameterEntities, Delete: parameterEntities, GetZoneInfo: "UserName", GetFieldInfo: "psObjectType",
	GetUDFInfo: "psTable", GetAttachment: "attachmentId", DeleteAttachment: "attachmentId", CreateAttachment: "attachment",
	GetInvoiceMarkup: "InvoiceId",
}

const parameterEntities = "Entities"

// enough demands the parameter without which it is not known what an operation is about.
func (r *reader) enough(found string) error {
	if want := parameters[r.req.Operation]; found != want && r.req.Operation != GetZoneInfo {
		return r.refuse("the operation lacks its element " + want)
	}
	return nil
}

func (r *reader) argument() (err error) {
	switch r.req.Operation {
	case Query:
		return r.query()
	case Create, Update, Delete:
		return r.entities()
	case CreateAttachment:
		return r.attachment()
	case GetFieldInfo, GetUDFInfo:
		r.req.Entity, err = r.entity()
	case GetAttachment, DeleteAttachment, GetInvoiceMarkup:
		if r.req.ID, err = r.number(); err == nil && r.req.ID == "" {
			err = r.refuse("the operation's id is empty")
		}
	case GetZoneInfo:
		r.req.UserName, err = r.leaf(maxName)
	}
	return err
}
