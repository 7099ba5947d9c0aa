package call

import (
	"context"
	"fmt"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/zone"
)

// webFresh is for how long people are sent to a zone without asking again whether it is the login's: where nobody calls the PSA through
// the login, nothing else would tell that it has moved. The question is free.
const webFresh = time.Hour

// WebLink returns where a link to the PSA's web pages leads for the login's tenant: path (escaped) and query in its zone, as
// autotask.WebLink has it, whose error it returns. Other errors say why the zone's web address is not known; that is logged, once a minute.
func (g *Gateway) WebLink(ctx context.Context, login, path, query string) (string, error) {
	n := g.byName[login]
	if n == nil {
		return "", report.ErrUnknownLogin
	}
	web, err := n.web(ctx)
	if err != nil {
		if ctx.Err() == nil && g.said.again("web "+login) {
			n.log.Error("people cannot be sent to the PSA's web pages", "error", err)
		}
		return "", err
	}
	return autotask.WebLink(web, path, query)
}

// web is where the login's people sign in.
func (n *lane) web(ctx context.Context) (string, error) {
	rec, err := n.reading(ctx, time.Now())
	if err != nil {
		return "", fmt.Errorf("the login's record cannot be read: %w", err)
	}
	cred, err := secret.CredentialFrom(rec)
	if err != nil {
		return "", err
	}
	key, err := n.zoneKey(cred)
	if err != nil {
		return "", err
	}
	z, err := n.zones.Get(ctx, key)
	if err != nil {
		return "", err
	}
	if key.Pinned != "" { // of which nothing but its base is known
		z, err = n.pinnedWeb(ctx, z.Base, cred.UserName)
	} else if time.Since(z.FoundAt) > webFresh {
		z, err = n.webAgain(ctx, key, z)
	}
	if err != nil {
		return "", err
	}
	web := n.rule.WebURL(z.WebURL)
	if web == "" {
		return "", fmt.Errorf("%s tells no web address that people may be sent to", z.Base)
	}
	return web, nil
}

// webAgain asks again whether a zone is the login's. While nobody answers, the one that was known serves on.
func (n *lane) webAgain(ctx context.Context, key zone.Key, z zone.Zone) (zone.Zone, error) {
	now, changed, err := n.zones.Doubt(ctx, key, z)
	if err != nil {
		return z, ctx.Err()
	}
	if changed {
		n.tellMoved(now)
	}
	return now, nil
}

// webOfPinned is what a pinned zone said of itself.
type webOfPinned struct {
	base, user string
	zone.Zone
}

// pinnedWeb asks a pinned zone for its web address, once an hour.
func (n *lane) pinnedWeb(ctx context.Context, base, user string) (zone.Zone, error) {
	known := n.pinnedTo.Load()
	same := known != nil && known.base == base && known.user == user
	if same && time.Since(known.FoundAt) < webFresh {
		return known.Zone, nil
	}
	z, err := n.lookup(ctx, base, user)
	switch {
	case err == nil:
	case same:
		return known.Zone, nil
	default:
		return zone.Zone{}, err
	}
	z.FoundAt = time.Now()
	n.pinnedTo.Store(&webOfPinned{base, user, z})
	return z, nil
}
