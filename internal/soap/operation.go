package soap

import "strings"

// Operation is one of the PSA's, by the name that its element has in the WSDL.
type Operation string

// The operations of the WSDL, version 1.6.
const (
	Query                    Operation = "query"
	Create                   Operation = "create"
	Update                   Operation = "update"
	Delete                   Operation = "delete"
	GetZoneInfo              Operation = "getZoneInfo"
	GetThresholdAndUsageInfo Operation = "getThresholdAndUsageInfo"
	GetEntityInfo            Operation = "GetEntityInfo"
	GetFieldInfo             Operation = "GetFieldInfo"
	GetUDFInfo               Operation = "getUDFInfo"
	GetAttachment            Operation = "GetAttachment"
	CreateAttachment         Operation = "CreateAttachment"
	DeleteAttachment         Operation = "DeleteAttachment"
	GetWsdlVersion           Operation = "GetWsdlVersion"
	GetInvoiceMarkup         Operation = "GetInvoiceMarkup"
)

// Operations are all of them.
var Operations = [...]Operation{
	Query, Create, Update, Delete, GetZoneInfo, GetThresholdAndUsageInfo, GetEntityInfo, GetFieldInfo, GetUDFInfo,
	GetAttachment, CreateAttachment, DeleteAttachment, GetWsdlVersion, GetInvoiceMarkup,
}

// Free says whether the PSA answers without sign-in: no credential and no unit goes with it.
func (o Operation) Free() bool { return o == GetZoneInfo }

// named says whether an element is the operation's. The WSDL calls one of them getEntityInfo, and gives its element and action a capital.
func (o Operation) named(element string) bool {
	return string(o) == element || o == GetEntityInfo && element == "getEntityInfo"
}

// operationNamed returns the operation of an element; empty where there is none.
func operationNamed(element string) Operation {
	for _, o := range Operations {
		if o.named(element) {
			return o
		}
	}
	return ""
}

const (
	noAction  = "the header SOAPAction is missing or empty; the PSA tells operations apart by it: send the namespace " + nsATWS + " and the operation's name"
	badAction = "the header SOAPAction names no operation of the PSA's; send the namespace " + nsATWS + " and the operation's name"
	version15 = "version 1.5 of the interface is retired; use version 1.6: its address is /ATServices/1.6/atws.asmx, its namespace " + nsATWS
)

// Action returns the operation's SOAPAction header, as the WSDL and SOAP 1.1, section 6.1.1, have it.
func (o Operation) Action() string { return `"` + nsATWS + string(o) + `"` }

// ParseAction reads a SOAPAction header, with its quotation marks or without. The PSA dispatches by it alone. The error is a *Refusal.
func ParseAction(header string) (Operation, error) {
	action := strings.Trim(header, " \t")
	if inner, ok := strings.CutPrefix(action, `"`); ok {
		if action, ok = strings.CutSuffix(inner, `"`); !ok {
			return "", &Refusal{Code: Client, Text: badAction}
		}
	}
	if action == "" {
		return "", &Refusal{Code: Client, Text: noAction}
	}
	if strings.HasPrefix(action, nsATWS15) {
		return "", &Refusal{Code: Client, Text: version15}
	}
	if element, ok := strings.CutPrefix(action, nsATWS); ok {
		if o := operationNamed(element); o != "" {
			return o, nil
		}
	}
	return "", &Refusal{Code: Client, Text: badAction}
}
