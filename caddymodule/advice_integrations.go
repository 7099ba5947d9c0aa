package caddymodule

import (
	"maps"
	"slices"
	"time"

	"github.com/psagate/psagate/internal/identity"
)

// soon is how long before an integration expires that is said.
const soon = 30 * 24 * time.Hour

// integrations warns of integrations that call for less time or may do more than somebody may know. Of a disabled one
// nothing else is said.
func (a *advice) integrations(app *App) {
	a.expiry(app)
	for _, name := range slices.Sorted(maps.Keys(app.Integrations)) {
		i, where := app.Integrations[name], "integration "+name
		if i.Disabled {
			a.add("disabled", where)
			continue
		}
		networks, err := parseNetworks(i.From)
		a.addIf(err == nil && holdsAll(networks), "from-any", where)
		a.addIf(len(i.Keys) > 2, "many-keys", where)
		a.addIf(i.Impersonate, "impersonate", where)
		a.addIf(len(i.PassThrough) > 0 && err == nil && !(&identity.Integration{Certs: i.ClientCerts, From: networks}).Alone(), "passthrough-wide", where)
		a.addIf(i.Owner == "", "no-owner", where)
	}
}

// expiry warns of what has expired and of what will soon, the first before the later.
func (a *advice) expiry(app *App) {
	type ending struct {
		where, text string
		at          time.Time
	}
	var endings []ending
	for _, name := range slices.Sorted(maps.Keys(app.Integrations)) {
		i := app.Integrations[name]
		at, err := parseExpires(i.Expires)
		switch {
		case i.Expires == "" || err != nil || i.Disabled || at.Sub(a.now) >= soon:
		case !a.now.Before(at):
			a.add("expired", "integration "+name)
		default:
			endings = append(endings, ending{"integration " + name, i.Expires, at})
		}
	}
	slices.SortStableFunc(endings, func(x, y ending) int { return x.at.Compare(y.at) })
	for _, e := range endings {
		a.add("expires-soon", e.where, endings[0].text)
	}
}
