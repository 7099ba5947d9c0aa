package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/zone"
)

// lookup asks the PSA for a user's zone, without a credential.
func (n *lane) lookup(ctx context.Context, discover, user string) (zone.Zone, error) {
	base, err := autotask.ParseBase(discover, n.rule)
	if err != nil {
		return zone.Zone{}, err
	}
	_, body, err := n.wire.Free(ctx, autotask.ZoneInformationRequest(base, user))
	if err != nil {
		return zone.Zone{}, err
	}
	info, err := autotask.ParseZoneInformation(bytes.NewReader(body))
	if err != nil {
		return zone.Zone{}, fmt.Errorf("%s: %w", base.Host(), err)
	}
	found, err := autotask.ParseBase(info.URL, n.rule)
	if err != nil {
		return zone.Zone{}, fmt.Errorf("%s names a zone that a credential may not go to: %w", base.Host(), err)
	}
	return zone.Zone{Base: found.String(), WebURL: info.WebURL, Name: info.ZoneName, CI: info.CI}, nil
}

// zoneKey says whose zone a credential's is.
func (n *lane) zoneKey(cred secret.Credential) (zone.Key, error) {
	pin, err := n.pin(cred)
	if err != nil {
		return zone.Key{}, err
	}
	return zone.Key{Discover: n.discover.String(), User: cred.UserName, Pinned: pin.String()}, nil
}

// base returns where a credential's calls go. A host that the config does not allow any more is not used, whatever the
// storage says: then the PSA is asked.
func (n *lane) base(ctx context.Context, cred secret.Credential) (autotask.Base, error) {
	key, err := n.zoneKey(cred)
	if err != nil {
		return autotask.Base{}, err
	}
	z, err := n.zones.Get(ctx, key)
	if err != nil {
		return autotask.Base{}, err
	}
	base, refused := n.parse(z.Base)
	if refused == nil {
		return base, nil
	}
	now, changed, err := n.zones.Doubt(ctx, key, z)
	if err != nil || !changed {
		return base, refused
	}
	n.tellMoved(now)
	return n.parse(now.Base)
}

// parsed is a base URL that was read and judged by the lane's rule.
type parsed struct {
	text string
	base autotask.Base
}

// parse reads a zone's base URL and judges its host. A login's is the same for most of its life.
func (n *lane) parse(text string) (autotask.Base, error) {
	if last := n.parsed.Load(); last != nil && last.text == text {
		return last.base, nil
	}
	base, err := autotask.ParseBase(text, n.rule)
	if err == nil {
		n.parsed.Store(&parsed{text, base})
	}
	return base, err
}

// moved looks up, after an attempt that failed, whether the login is in another zone by now. The lookup is free; where it
// fails a refusal is the credential's, until a later lookup says otherwise.
func (n *lane) moved(ctx context.Context, t inject.Ticket) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	key, err := n.zoneKey(t.Credential)
	if err != nil {
		return false
	}
	now, changed, err := n.zones.Doubt(ctx, key, zone.Zone{Base: t.Base.String()})
	if err != nil {
		n.warn("the zone could not be looked up", err)
		n.seek(key, t)
	}
	if changed {
		n.tellMoved(now)
	}
	return changed
}

// seek repeats a lookup that failed, with growing pauses. Where the login has moved after all, the credential that its old
// zone refused is worth a recheck.
func (n *lane) seek(key zone.Key, t inject.Ticket) {
	n.mu.Lock()
	already := n.seeking || n.closed
	n.seeking = true
	n.mu.Unlock()
	if already {
		return
	}
	go func() {
		defer func() {
			n.mu.Lock()
			n.seeking = false
			n.mu.Unlock()
		}()
		for pause := 5 * time.Second; n.waits(pause); pause = min(2*pause, time.Minute) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			now, changed, err := n.zones.Doubt(ctx, key, zone.Zone{Base: t.Base.String()})
			cancel()
			if err != nil {
				continue
			}
			if changed {
				n.tellMoved(now)
				t.Guard.Absolve()
				_ = t.Guard.Due() // its store may be unusable: then nothing is sent anyway
			}
			return
		}
	}()
}

// waits pauses; false where the lane has ended meanwhile.
func (n *lane) waits(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-n.over:
		return false
	}
}

// Free implements guard.Upstream: the credential's zone is found, and asked whether it is the one.
func (s *seat) Free(ctx context.Context, fp guard.Fingerprint) error {
	n := s.lane
	if s.user == "" && !n.knows(ctx, s, fp, time.Now()) {
		return errNotKnown
	}
	n.shared.guests.pin(s, fp)
	c := s.cardOf(fp)
	if c == nil {
		return guard.ErrForgotten
	}
	key, err := n.zoneKey(c.credential)
	if err != nil {
		return err
	}
	z, err := n.zones.Get(ctx, key)
	if err != nil {
		n.log.Warn("the login's zone is not known", "error", err)
		return zoneUnknown()
	}
	asked, err := n.lookup(ctx, z.Base, c.credential.UserName)
	switch {
	case err != nil && key.Pinned != "" && errors.Is(err, autotask.ErrUnknownLogin):
		return nil // some users have no zone to be found: the operator has named it, and the PSA has answered
	case err != nil:
		if now, changed, doubted := n.zones.Doubt(ctx, key, z); doubted == nil && changed {
			n.log.Info("the login has moved to another zone", "zone", now.Base)
			n.tellMoved(now)
			s.guard.Absolve()
			return nil
		}
		return err
	case key.Pinned == "" && (asked.Base != z.Base || !z.Verified):
		now, changed, err := n.zones.Doubt(ctx, key, z)
		if err != nil {
			n.log.Warn("the login's zone could not be verified", "error", err)
		}
		if changed {
			n.tellMoved(now)
			s.guard.Absolve()
		}
	}
	return nil
}
