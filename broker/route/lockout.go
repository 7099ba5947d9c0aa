package route

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/message"
)

// Lockout is what a notice of the PSA says: that a user is locked, and from which address the wrong sign-ins came.
type Lockout struct {
	// Users are the user names in it that are ours, in lower case.
	Users []string
	// Addresses are the IP addresses in its text.
	Addresses []netip.Addr
	// At is when the notice was written: its Date, or when it came, where that is earlier or there is no Date. Whoever acts on a
	// notice tells by it those that are over.
	At time.Time
	// Ours says that one of the Addresses is ours: it was this gateway, or who shares its way to the internet. It means
	// nothing where there is no address, or where none of ours is known.
	Ours bool
	// AddressesKnown says that Ours means something.
	AddressesKnown bool
}

// LockoutNotices is what is needed to read such notices.
type LockoutNotices struct {
	// From are the domains whose mail is believed; anyone else's is an ordinary mail. The text of a mail is not a proof,
	// but a login that is taken for locked stands still: so the sender is asked for.
	From []string
	// Users are the user names of the logins; UsersNow, where it is set, gives those that are known by now beside them.
	Users    []string
	UsersNow func() []string
	// Ours are the addresses by which this gateway is seen.
	Ours []netip.Prefix
}

var (
	locked  = regexp.MustCompile(`(?i)\b(locked|lock(ed)?[- ]?out|lockout|gesperrt|verrouill|bloquead)`)
	ipv4    = regexp.MustCompile(`(?:^|[^\d.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:$|[^\d.]|\.\s|\.$)`)
	ipv6    = regexp.MustCompile(`(?i)(?:^|[^0-9a-f:.])((?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})(?:$|[^0-9a-f:])`)
	textMax = 64 << 10
)

// Read reads a notice. It returns nil for a mail that is none: not from the PSA, not about a lockout, or about nobody of
// ours.
func (n LockoutNotices) Read(m *message.Message) *Lockout {
	from := m.Author().Domain
	if !slices.ContainsFunc(n.From, func(d string) bool { d = strings.ToLower(d); return from == d || strings.HasSuffix(from, "."+d) }) {
		return nil
	}
	text := m.Subject + "\n" + m.Text[:min(len(m.Text), textMax)]
	if !locked.MatchString(text) {
		return nil
	}
	out := &Lockout{At: m.Date}
	lower := strings.ToLower(text)
	users := n.Users
	if n.UsersNow != nil {
		users = slices.Concat(users, n.UsersNow())
	}
	for _, user := range users {
		if user = strings.ToLower(user); user != "" && standsAlone(lower, user) && !slices.Contains(out.Users, user) {
			out.Users = append(out.Users, user)
		}
	}
	if len(out.Users) == 0 {
		return nil
	}
	for _, re := range []*regexp.Regexp{ipv4, ipv6} {
		for _, match := range re.FindAllStringSubmatch(text, 20) {
			if ip, err := netip.ParseAddr(match[1]); err == nil && !slices.Contains(out.Addresses, ip) {
				out.Addresses = append(out.Addresses, ip)
			}
		}
	}
	out.AddressesKnown = len(out.Addresses) > 0 && len(n.Ours) > 0
	out.Ours = slices.ContainsFunc(out.Addresses, func(ip netip.Addr) bool {
		return slices.ContainsFunc(n.Ours, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	})
	return out
}

// standsAlone tells whether a name is in the text, and not as a part of a longer one.
func standsAlone(text, name string) bool {
	part := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("@-_+", c) >= 0
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(name)
		before := start > 0 && (part(text[start-1]) || text[start-1] == '.')
		after := end < len(text) && (part(text[end]) || text[end] == '.' && end+1 < len(text) && part(text[end+1]))
		if !before && !after {
			return true
		}
		at = start + 1
	}
}
