package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// company is what is read of one.
type company struct {
	ID          int64
	CompanyName string
	WebAddress  string
	IsActive    *flag
}

var companyFields = []string{"id", "webAddress", "isActive"}

// Companies implements route.Directory. Those whose web site is at the domain go before those that only have contacts there: a contact may
// work for another company than the one that it is filed under.
//
// Whoever looks for a sender's company asks for his domain and then for those above it: what is above is asked along with the first, so
// that two requests do for all.
func (t *Tickets) Companies(ctx context.Context, domain string) ([]int64, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if domain == "" {
		return nil, nil
	}
	if ids, known := t.ofDomain.get(domain, t.now()); known {
		return slices.Clone(ids), nil
	}
	ids, err := t.bySite(ctx, domain)
	if err == nil && len(ids) == 0 {
		ids, err = t.byContacts(ctx, domain)
	}
	if err != nil {
		return nil, err
	}
	lasts := companyFor
	if len(ids) == 0 {
		lasts = noCompany
	}
	t.ofDomain.put(domain, slices.Clone(ids[:min(len(ids), answerMost)]), t.now(), lasts)
	return ids, nil
}

// registered is the domain that somebody has registered of which this is one; itself where nobody can tell.
func registered(domain string) string {
	if of, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return of
	}
	return domain
}

// chainMost is how many domains are asked for at once.
const chainMost = 5

// chain are a domain and those above it, to the registered one.
func chain(domain string) (all []string) {
	for of := registered(domain); len(all) < chainMost; {
		all = append(all, domain)
		if domain == of {
			break
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return all
}

// bySite are the active companies with a web site at a domain. What has the registered domain in its address is asked for, which all that
// are below it have.
func (t *Tickets) bySite(ctx context.Context, domain string) (ids []int64, err error) {
	of := registered(domain)
	found, known := t.sites.get(of, t.now())
	if !known {
		if found, err = query[company](ctx, t, "Companies", companyFields, contains("webAddress", of)); err != nil {
			return nil, err
		}
		if len(found) <= answerMost {
			t.sites.put(of, found, t.now(), noCompany)
		}
	}
	for _, c := range found {
		if active(c.IsActive) && siteOf(c.WebAddress, domain) {
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
}

// siteOf reports whether a web address, as people write one, is at a domain or its www.
func siteOf(address, domain string) bool {
	address = strings.ToLower(strings.TrimSpace(address))
	if !strings.Contains(address, "://") {
		address = "//" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	return host == domain || host == "www."+domain
}

// companiesMost is how many companies are told of: of more than one none is taken.
const companiesMost = 50

// byContacts are the active companies of the active contacts with an address at a domain.
func (t *Tickets) byContacts(ctx context.Context, domain string) ([]int64, error) {
	ids, err := t.filedUnder(ctx, domain)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := query[company](ctx, t, "Companies", companyFields, filter{Op: "in", Field: "id", Value: ids[:min(len(ids), companiesMost)]})
	if err != nil {
		return nil, err
	}
	ids = nil
	for _, c := range found {
		if active(c.IsActive) {
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
}

// filedUnder are the companies, active or not, that the active contacts with an address at a domain are filed under.
func (t *Tickets) filedUnder(ctx context.Context, domain string) ([]int64, error) {
	if ids, known := t.ofContacts.get(domain, t.now()); known {
		return ids, nil
	}
	domains := chain(domain)
	people, err := t.at(ctx, domains...)
	if err != nil {
		return nil, err
	}
	by, sure := sorted(people, domains)
	if !sure { // the PSA compares otherwise than is done here: it is to say whose domain it is
		if people, err = t.at(ctx, domain); err != nil {
			return nil, err
		}
		by, domains = map[string][]int64{}, domains[:1]
		for _, p := range people {
			by[domain] = with(by[domain], p.CompanyID)
		}
	}
	for _, d := range domains {
		t.ofContacts.put(d, by[d], t.now(), noCompany)
	}
	return by[domain], nil
}

// with adds an id that is not there, as far as they are told of.
func with(ids []int64, id int64) []int64 {
	if slices.Contains(ids, id) || len(ids) >= companiesMost {
		return ids
	}
	return append(ids, id)
}

// at are the active contacts with an address at one of some domains. Where they are too many, none is told of.
func (t *Tickets) at(ctx context.Context, domains ...string) ([]contact, error) {
	var each []filter
	for _, domain := range domains {
		for _, field := range addressFields {
			each = append(each, filter{Op: "endsWith", Field: field, Value: "@" + domain})
		}
	}
	people, err := query[contact](ctx, t, "Contacts", append([]string{"id", "companyID", "isActive"}, addressFields...), either(each...))
	if errors.Is(err, errMany) { // the mail is not to wait for that, nor each to cost as many requests
		t.troubles.add(t.now(), t.log, fmt.Sprintf("more than %d contacts have an address at %s: whose company that is is not looked for among them. Enter it as the company's web address", pagesMost*pageSize, domains[0]))
		return nil, nil
	}
	return slices.DeleteFunc(people, func(c contact) bool { return !active(c.IsActive) }), err
}

// sorted are the companies of contacts by the domains of their addresses. It is not sure where one has an address at none of them.
func sorted(people []contact, domains []string) (by map[string][]int64, sure bool) {
	by = map[string][]int64{}
	for _, p := range people {
		at := false
		for _, address := range []string{p.EmailAddress, p.EmailAddress2, p.EmailAddress3} {
			_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
			if slices.Contains(domains, domain) {
				by[domain], at = with(by[domain], p.CompanyID), true
			}
		}
		if !at {
			return nil, false
		}
	}
	return by, true
}
