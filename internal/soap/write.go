package soap

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
)

// escaped returns text as it is spelled in an element or in an attribute's value. A character that XML does not have becomes U+FFFD.
func escaped(text string) string {
	if !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || strings.ContainsRune(`<>&"'`, c) }) {
		return text
	}
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a bytes.Buffer takes every write
	return b.String()
}

const (
	envelopeOpen = `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="` + nsEnvelope + `"><soap:Body>`
	envelopeEnd  = `</soap:Body></soap:Envelope>`
)

// Fault returns an envelope that holds a fault (SOAP 1.1, section 4.4). Clients show its faultstring, which is text; it must hold no
// secret.
func Fault(code FaultCode, text string) []byte {
	return []byte(envelopeOpen + "<soap:Fault><faultcode>soap:" + string(code) + "</faultcode><faultstring>" + escaped(text) +
		"</faultstring></soap:Fault>" + envelopeEnd)
}

// ZoneInfo is what getZoneInfo answers.
type ZoneInfo struct {
	// URL is the address of the interface, down to atws.asmx.
	URL string
	// ErrorCode is 0, or negative where the user has no zone.
	ErrorCode int
	// DatabaseType is the PSA's word for the kind of its database; empty: left out.
	DatabaseType string
	// CI is the number of the tenant's database.
	CI int64
	// WebURL is where people sign in.
	WebURL string
}

// ZoneInfoResponse returns the envelope that answers getZoneInfo, its elements in the WSDL's order.
func ZoneInfoResponse(z ZoneInfo) []byte {
	kind := ""
	if z.DatabaseType != "" {
		kind = element("DataBaseType", z.DatabaseType)
	}
	return []byte(envelopeOpen + `<getZoneInfoResponse xmlns="` + nsATWS + `"><getZoneInfoResult>` +
		element("URL", z.URL) + element("ErrorCode", strconv.Itoa(z.ErrorCode)) + kind +
		element("CI", strconv.FormatInt(z.CI, 10)) + element("WebUrl", z.WebURL) +
		`</getZoneInfoResult></getZoneInfoResponse>` + envelopeEnd)
}

func element(name, text string) string { return "<" + name + ">" + escaped(text) + "</" + name + ">" }
