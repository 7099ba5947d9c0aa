package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// certName is one name of a certificate, of one kind: a host that is called like someone's URI is not that one.
type certName struct {
	kind nameKind
	text string
}

type nameKind uint8

const (
	dnsName nameKind = iota + 1
	mailName
	uriName
	ipName
	subjectName
)

var (
	uriScheme   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	subjectType = regexp.MustCompile(`^[A-Za-z0-9.]+=`)
	spacedComma = regexp.MustCompile(`[^\\], `)
	hostChars   = regexp.MustCompile(`^[A-Za-z0-9._*-]+$`)
)

// parseCertName tells what kind of name a text of the config is: an IP address, a URI by its scheme, a subject by its
// first "type=", a mail address by its "@", else a DNS name. The error reads on after the text.
func parseCertName(text string) (certName, error) {
	ip, err := netip.ParseAddr(text)
	switch {
	case err == nil:
		return certName{ipName, ip.Unmap().String()}, nil
	case uriScheme.MatchString(text):
		return certName{uriName, text}, nil
	case subjectType.MatchString(text) && spacedComma.MatchString(text):
		return certName{}, errors.New("has a space after a comma: write the subject without, as `openssl x509 -subject -nameopt RFC2253` prints it")
	case subjectType.MatchString(text):
		return certName{subjectName, text}, nil
	case strings.Contains(text, "@"):
		return certName{mailName, foldHost(text)}, nil
	case hostChars.MatchString(text):
		return certName{dnsName, lower(text)}, nil
	}
	return certName{}, errors.New("is no name that a certificate has: give a DNS name, a URI, a mail address, an IP address, or the subject as `openssl x509 -subject -nameopt RFC2253` prints it")
}

// CertName reads the name of a client certificate as a config has it, and returns what tells it from others: two texts
// that mean one name give the same. The error reads on after the text.
func CertName(text string) (name string, err error) {
	n, err := parseCertName(text)
	return fmt.Sprintf("%d %s", n.kind, n.text), err
}

// foldHost makes a mail address's host lower case; the part before it is the host's own affair.
func foldHost(mail string) string {
	at := strings.LastIndexByte(mail, '@') + 1
	return mail[:at] + lower(mail[at:])
}

// lower makes the letters A to Z lower case and changes nothing else: names in certificates are ASCII, and two names that
// differ in anything but those letters must stay two.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// certificate is what a call's connection shows. leaf is nil where it shows none.
type certificate struct {
	leaf *x509.Certificate
	// verified: a chain leads from the leaf to someone whom the server trusts. Without one anybody could have made it.
	verified bool
}

// certificateOf returns the certificate of a connection; nil is one without TLS.
func certificateOf(state *tls.ConnectionState) certificate {
	switch {
	case state == nil:
		return certificate{}
	case len(state.VerifiedChains) > 0 && len(state.VerifiedChains[0]) > 0:
		return certificate{state.VerifiedChains[0][0], true}
	case len(state.PeerCertificates) > 0:
		return certificate{leaf: state.PeerCertificates[0]}
	}
	return certificate{}
}

// label is the certificate's id for logs; empty where there is none.
func (c certificate) label() string {
	if c.leaf == nil {
		return ""
	}
	sum := sha256.Sum256(c.leaf.Raw)
	return "cert:" + hex.EncodeToString(sum[:4])
}

const maxSubject = 256

func (c certificate) subject() string {
	if c.leaf == nil {
		return ""
	}
	text := subjectOf(c.leaf.RawSubject)
	if len(text) > maxSubject {
		text = strings.ToValidUTF8(text[:maxSubject], "") + "…"
	}
	return text
}

// subjectOf is a subject as RFC 2253 text, of its own bytes: pkix.Name orders attributes anew, and of two common names it
// shows one.
func subjectOf(raw []byte) string {
	var subject pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &subject); err != nil || len(rest) > 0 {
		return ""
	}
	return subject.String()
}

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// names are all names of the certificate.
func (c certificate) names() []certName {
	names := make([]certName, 0, 4)
	if subject := subjectOf(c.leaf.RawSubject); subject != "" {
		names = append(names, certName{subjectName, subject})
	}
	for _, e := range c.leaf.Extensions {
		if e.Id.Equal(subjectAltName) {
			names = appendSANs(names, e.Value)
		}
	}
	return names
}

// appendSANs reads the names of a SAN extension (RFC 5280, section 4.2.1.6) as they are written: crypto/x509 gives URIs
// parsed, and what they print as then is not always what was there. Of one that is damaged nothing counts.
func appendSANs(names []certName, extension []byte) []certName {
	var all asn1.RawValue
	if rest, err := asn1.Unmarshal(extension, &all); err != nil || len(rest) > 0 || all.Tag != asn1.TagSequence || !all.IsCompound {
		return names
	}
	found := names
	for rest := all.Bytes; len(rest) > 0; {
		var san asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &san); err != nil {
			return names
		}
		if name, ok := nameOf(san); ok {
			found = append(found, name)
		}
	}
	return found
}

// nameOf reads one name of a SAN extension. The numbers are the tags of RFC 5280's GeneralName.
func nameOf(san asn1.RawValue) (certName, bool) {
	if san.Class != asn1.ClassContextSpecific || san.IsCompound {
		return certName{}, false
	}
	text := string(san.Bytes)
	switch san.Tag {
	case 1:
		return certName{mailName, foldHost(text)}, true
	case 2:
		return certName{dnsName, lower(text)}, true
	case 6:
		return certName{uriName, text}, true
	case 7:
		ip, ok := netip.AddrFromSlice(san.Bytes)
		return certName{ipName, ip.Unmap().String()}, ok
	}
	return certName{}, false
}
