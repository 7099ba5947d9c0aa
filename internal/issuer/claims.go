package issuer

import (
	"strings"
)

// Claims is what a token says of whom it is about, as JSON decodes it.
type Claims map[string]any

// Text returns a claim that is a text; empty where it is none.
func (c Claims) Text(name string) string {
	text, _ := c[name].(string)
	return text
}

// Texts returns the texts of a claim, which may be one text or a list; what is no text in a list does not count. A name that no
// claim has is looked for inside of others, as outer.inner: some providers nest groups.
func (c Claims) Texts(name string) (texts []string) {
	switch value := c.find(name).(type) {
	case string:
		return []string{value}
	case []any:
		for _, v := range value {
			if text, ok := v.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

func (c Claims) find(name string) any {
	if value, ok := c[name]; ok {
		return value
	}
	outer, inner, nested := strings.Cut(name, ".")
	if m, ok := c[outer].(map[string]any); ok && nested {
		return Claims(m).find(inner)
	}
	return nil
}

const (
	// maxText is how much of one text of a person's is kept, in bytes.
	maxText = 256
	// maxGroups is how many groups of a person are kept. More is an error: which of them count would be chance.
	maxGroups = 500
)

// Person is who signed in.
type Person struct {
	// Subject is the provider's name for the person, which never changes; Issuer is the provider's URL.
	Issuer, Subject string
	// SessionID is the provider's name for its session; may be empty.
	SessionID string
	// Email and Name are for people to read; either may be empty. An address that the provider says it has not verified is left
	// out of both.
	Email, Name string
	// Groups are the person's, as the provider says.
	Groups []string
}

// lacks reports whether claims do not tell what people and the config want to know, so that the provider is to be asked.
func (i *Issuer) lacks(c Claims) bool {
	return c.Text("email") == "" || c.find(i.cfg.GroupsClaim) == nil || c.Text("name") == "" && c.Text("preferred_username") == ""
}

// person makes a person of claims.
func (i *Issuer) person(c Claims) (Person, error) {
	p := Person{Issuer: i.cfg.URL, Subject: c.Text("sub"), SessionID: c.Text("sid"), Email: c.Text("email"), Name: c.Text("name")}
	verified, said := c["email_verified"]
	doubted := said && verified != true && verified != "true"
	if doubted {
		p.Email = ""
	}
	// Where people choose their addresses themselves many providers repeat them as names: it would be an address all the same.
	if p.Name == "" || doubted && strings.Contains(p.Name, "@") {
		p.Name = c.Text("preferred_username")
	}
	if doubted && strings.Contains(p.Name, "@") {
		p.Name = ""
	}
	p.Groups = c.Texts(i.cfg.GroupsClaim)
	p.Email, p.Name = cut(p.Email), cut(p.Name)
	switch {
	case p.Subject == "" || len(p.Subject) > maxText || len(p.SessionID) > maxText:
		return Person{}, errNoSubject
	case len(p.Groups) > maxGroups:
		return Person{}, errManyGroups
	}
	return p, nil
}

func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxText)], "") }
