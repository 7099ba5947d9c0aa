package soap

import "strings"

// integrationCode is what the element, or the key, of the integration code is called.
const integrationCode = "IntegrationCode"

// impersonation is what a header's element, or the key of one of its entries, is called that says whom the caller wants to be shown as.
const impersonation = "ImpersonateAsResourceID"

// header reads the caller's Header, whose start tag was read. All of it is left behind: credentials are never merged. But what it asks
// for is told, and what must be understood and is not is refused (SOAP 1.1, section 4.2.3).
func (r *reader) header() error {
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return err
		case r.tag.space != nsATWS && r.tag.space != nsATWS15 || string(r.tag.local) != "AutotaskIntegrations":
			err = r.foreign()
		default:
			err = r.integrations()
		}
		if err != nil {
			return err
		}
	}
}

// foreign reads a header block that is not the PSA's.
func (r *reader) foreign() error {
	must, _ := r.tag.attribute(nsEnvelope, "mustUnderstand")
	if must = strings.Trim(must, blanks); must != "" && must != "0" && must != "false" {
		return r.refuseAs(MustUnderstand, "the Header holds a block that must be understood, and is not; the PSA understands AutotaskIntegrations alone")
	}
	return r.skip()
}

// integrations reads the block in which clients put their integration code: elements by name, of whatever namespace, since clients
// disagree about it; or, as PHP's writes an array, an item for each, with a key and a value.
func (r *reader) integrations() error {
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		switch string(r.tag.local) {
		case impersonation:
			err = r.impersonated()
		case integrationCode:
			err = r.coded()
		case "item":
			err = r.item()
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

// item reads an entry of an array. Its value may come before its key.
func (r *reader) item() error {
	key, value := "", ""
	for {
		more, err := r.child()
		switch {
		case err != nil:
			return err
		case !more && key == impersonation:
			return r.impersonate(value)
		case !more && key == integrationCode:
			r.keepCode(value)
			return nil
		case !more:
			return nil
		}
		switch string(r.tag.local) {
		case "key":
			key, err = r.once(key)
		case "value":
			value, err = r.once(value)
		default:
			err = r.refuse("an entry of AutotaskIntegrations holds what is neither its key nor its value")
		}
		if err != nil {
			return err
		}
	}
}

// once reads a text that was not there before.
func (r *reader) once(before string) (string, error) {
	if before != "" {
		return "", r.refuse("an entry of AutotaskIntegrations has its key or value twice")
	}
	return r.leaf(maxTag)
}

// coded reads the integration code.
func (r *reader) coded() error {
	text, err := r.leaf(maxTag)
	if err == nil {
		r.keepCode(text)
	}
	return err
}

// keepCode keeps an integration code. Of two that differ none counts: which one the PSA would take is not known.
func (r *reader) keepCode(code string) {
	switch before := r.req.code; {
	case code == "":
	case before == nil:
		r.req.code = &code
	case *before != code:
		r.req.code = new(string)
	}
}

func (r *reader) impersonated() error {
	text, err := r.leaf(maxName)
	if err != nil {
		return err
	}
	return r.impersonate(text)
}

// impersonate takes a resource's id. Clients that write every element send none, or 0, which is no resource's, for nobody.
func (r *reader) impersonate(id string) error {
	switch {
	case strings.Trim(id, "0") == "":
		return nil
	case len(id) > 10 || strings.Trim(id, "0123456789") != "" || id[0] == '0':
		return r.refuse(impersonation + " is no resource id; send a whole number, in digits alone")
	case r.req.Impersonate != "" && r.req.Impersonate != id:
		return r.refuse(impersonation + " is there more than once; send it once, with the id of one resource")
	}
	r.req.Impersonate = id
	return nil
}
