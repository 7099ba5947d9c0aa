package report

import "time"

// IssuerStatus is how one OpenID provider stands.
type IssuerStatus struct {
	// Name is the issuer's name in the config.
	Name string `json:"name"`
	// URL is what the provider calls itself.
	URL string `json:"url"`
	// State is one word for the whole: unasked (nobody has needed it yet, or for long), serving, unreachable (what is known of it serves
	// on) or down (nobody can sign in with it, and none of its tokens is taken).
	State IssuerState `json:"state"`
	// KeysSince is when its keys were read last; absent while none are known.
	KeysSince *time.Time `json:"keys_since,omitempty"`
	// ServesUntil is until when what is known of it serves while it cannot be asked; absent while nothing is known.
	ServesUntil *time.Time `json:"serves_until,omitempty"`
	// TriedAt is when it was asked last; absent where it never was.
	TriedAt *time.Time `json:"tried_at,omitempty"`
	// Problem is what was wrong then; empty where nothing was.
	Problem string `json:"problem,omitempty"`
}

// IssuerState is one word for how an issuer stands.
type IssuerState string

// The states of an issuer.
const (
	IssuerUnasked     IssuerState = "unasked"
	IssuerServing     IssuerState = "serving"
	IssuerUnreachable IssuerState = "unreachable"
	IssuerDown        IssuerState = "down"
)

// Judge fills in the word.
func (i *IssuerStatus) Judge(now time.Time) {
	known := i.ServesUntil != nil && now.Before(*i.ServesUntil)
	switch {
	case known && i.Problem == "":
		i.State = IssuerServing
	case known:
		i.State = IssuerUnreachable
	case i.Problem != "":
		i.State = IssuerDown
	default:
		i.State = IssuerUnasked
	}
}

func (p Printer) issuer(i IssuerStatus, now time.Time) {
	p.line("issuer %s (%s): %s", i.Name, i.URL, issuerHeadline(i.State))
	if i.KeysSince != nil {
		text := "read " + age(now.Sub(*i.KeysSince)) + " ago"
		if i.Problem != "" && i.ServesUntil != nil && now.Before(*i.ServesUntil) {
			text += ", believed until " + p.clock(*i.ServesUntil, now)
		}
		p.field("keys", "%s", text)
	}
	if i.Problem != "" {
		text := ""
		if i.TriedAt != nil {
			text = age(now.Sub(*i.TriedAt)) + " ago: "
		}
		p.line("  ! %s%s", text, i.Problem)
	}
}

func issuerHeadline(state IssuerState) string {
	return sentence(string(state), map[string]string{
		string(IssuerUnasked):     "not asked yet, or not for long: it is asked when somebody needs it",
		string(IssuerUnreachable): "cannot be asked; what is known of it serves on",
		string(IssuerDown):        "CANNOT BE ASKED: nobody can sign in with it, and none of its tokens is taken",
	})
}
