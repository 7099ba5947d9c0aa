package call

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

// The simulator's router shares no code with the gateway's parser, and was written from the PSA's own pages. What it makes of a path
// is held against what policy made of it.

// mutators write a path as callers may who would like one reader to see another thing in it than the next.
var mutators = []func(r *rand.Rand, path string) string{
	func(_ *rand.Rand, p string) string { return p },
	func(_ *rand.Rand, p string) string { return strings.ToUpper(p) },
	func(_ *rand.Rand, p string) string { return strings.ToLower(p) },
	func(r *rand.Rand, p string) string {
		return somewhere(r, p, func(c byte) string { return string(flipped(c)) })
	},
	func(r *rand.Rand, p string) string { return atSlash(r, p, "//") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "/./") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "/x/../") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "/%2e/") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "/x/%2e%2E/") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "%2f") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "%5C") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, ";x=1/") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "./") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "%20/") },
	func(r *rand.Rand, p string) string { return atSlash(r, p, "/%00") },
	func(r *rand.Rand, p string) string {
		return somewhere(r, p, func(c byte) string { return fmt.Sprintf("%%%02X", c) })
	},
	func(r *rand.Rand, p string) string {
		return somewhere(r, p, func(c byte) string { return fmt.Sprintf("%%25%02x", c) })
	},
	func(_ *rand.Rand, p string) string { return p + "/" },
	func(_ *rand.Rand, p string) string { return p + "." },
	func(_ *rand.Rand, p string) string { return p + ";" },
	func(_ *rand.Rand, p string) string { return p + "%2F" },
}

func flipped(c byte) byte {
	if c|0x20 >= 'a' && c|0x20 <= 'z' {
		return c ^ 0x20
	}
	return c
}

// somewhere writes one letter or digit of a path otherwise.
func somewhere(r *rand.Rand, p string, otherwise func(byte) string) string {
	i := r.IntN(len(p))
	if p[i] == '/' || p[i] == '%' {
		return p
	}
	return p[:i] + otherwise(p[i]) + p[i+1:]
}

// atSlash writes another thing in the place of one slash, but the first.
func atSlash(r *rand.Rand, p, instead string) string {
	n := strings.Count(p[1:], "/")
	if n == 0 {
		return p
	}
	i := 0
	for range 1 + r.IntN(n) {
		i += 1 + strings.Index(p[i+1:], "/")
	}
	return p[:i] + instead + p[i+1:]
}

func mutated(r *rand.Rand, path string) string {
	for range 1 + r.IntN(3) {
		path = mutators[r.IntN(len(mutators))](r, path)
	}
	return path
}

// raw sends a path as it is spelled, to the gateway with a key or to the PSA with its credential.
func (w *world) raw(toPSA bool, method, path, query, body string) answer {
	w.Helper()
	host := "gateway.test"
	header := http.Header{"Secret": {w.keys["a"].Reveal()}, "Content-Type": {"application/json"}}
	if toPSA {
		host = "127.0.0.1:5005"
		header = http.Header{"Username": {user}, "Secret": {"old-password"}, "Apiintegrationcode": {"CODE"}, "Content-Type": {"application/json"}}
	}
	req, err := http.NewRequest(method, "http://"+host, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.URL, req.Header = &url.URL{Scheme: "http", Host: host, Opaque: "//" + host + path, RawQuery: query}, header
	a, err := w.do(req)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// contactPaths lead to contacts.
var contactPaths = []string{
	"/ATServicesRest/V1.0/Contacts/1", "/ATServicesRest/V1.0/Companies/1/Contacts", "/ATServicesRest/V1.0/Companies/1/Contacts/1",
	"/ATServicesRest/V1.0/Contacts/query", "/ATServicesRest/V1.0/Companies/1",
}

func TestNoSpellingOfAPathLeadsToWhatPolicyForbids(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action, resource); forbid (principal, action, resource == Entity::"Contacts");`, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 0 })
		query := "search=" + url.QueryEscape(`{"filter":[{"op":"exist","field":"id"}]}`)
		r, seen := rand.New(rand.NewPCG(8, 1)), map[string]int{}
		for range 3000 {
			path := mutated(r, contactPaths[r.IntN(len(contactPaths))])
			through := w.raw(false, "GET", path, query, "")
			if strings.Contains(through.body, `"emailAddress"`) {
				t.Errorf("%s leads to contacts", path)
			}
			direct := w.raw(true, "GET", path, query, "")
			switch contacts := strings.Contains(direct.body, `"emailAddress"`); {
			case contacts && through.reason() == "":
				t.Errorf("%s leads the PSA to contacts, and policy saw something else: %d %s", path, through.status, through.body)
			case contacts:
				seen["contacts, "+through.reason()]++
			case through.status == http.StatusOK:
				seen["others"]++
			}
		}
		if seen["contacts, policy"] < 100 || seen["others"] < 50 {
			t.Errorf("the paths prove little: %v", seen)
		}
		t.Log(seen)
	})
}

// writePaths write, with the method and body of each.
var writePaths = [][3]string{
	{"POST", "/ATServicesRest/V1.0/Tickets", newTicket},
	{"PATCH", "/ATServicesRest/V1.0/Tickets", `{"id":1,"title":"changed"}`},
	{"POST", "/ATServicesRest/V1.0/Tickets/1/Notes", `{"title":"n","description":"n","noteType":1,"publish":1}`},
	{"DELETE", "/ATServicesRest/V1.0/Tickets/1/Attachments/1", ""},
	{"POST", "/ATServicesRest/V1.0/Companies/1/Contacts", `{"firstName":"a","lastName":"b","isActive":1}`},
	{"PATCH", "/ATServicesRest/V1.0/Companies/1/Contacts", `{"id":1,"lastName":"changed"}`},
}

func TestNoSpellingOfAPathWritesWhereOnlyReadingIsPermitted(t *testing.T) {
	for name, text := range map[string]string{"read and query": "", "everything": "permit (principal, action, resource);"} {
		inPolicedWorld(t, text, func(w *world) {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 0 })
			before := w.contents()
			r := rand.New(rand.NewPCG(8, 2))
			for range 1500 {
				c := writePaths[r.IntN(len(writePaths))]
				w.raw(false, c[0], mutated(r, c[1]), "", c[2])
			}
			if after := w.contents(); slices.Equal(before, after) != (text == "") {
				t.Errorf("with %s: the PSA has other contents: %v", name, !slices.Equal(before, after))
			}
		})
	}
}

// contents are all records of the PSA that the paths above could change.
func (w *world) contents() (all []string) {
	for _, entity := range []string{"Tickets", "TicketNotes", "TicketAttachments", "Contacts"} {
		for _, record := range w.tenant.Records(entity) {
			all = append(all, entity+fmt.Sprint(record))
		}
	}
	return all
}
