package caddymodule

import (
	"context"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
)

// sessionTable is where people's sessions are, and sessionClock what they are judged by.
var (
	sessionTable = func() session.Table { return ground().store.Sessions() }
	sessionClock = time.Now
)

// allSessions are those of all sites, whose limits are with each session: these are longer than any.
func allSessions() (*session.Keeper, error) {
	const longest = 100 * 365 * 24 * time.Hour
	return session.NewKeeper(sessionTable(), session.Limits{Idle: longest, Absolute: longest}, sessionClock)
}

// whom says whose sessions are meant; what is empty is any.
type whom struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer"` // its name in the config
	Person string `json:"person"` // the subject
}

func (o whom) has(s session.Session) bool {
	return (o.ID == "" || o.ID == s.ID) && (o.Issuer == "" || o.Issuer == s.Person.Issuer) && (o.Person == "" || o.Person == s.Person.Subject)
}

// listSessions answers who is signed in.
func listSessions(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	asked := r.URL.Query()
	keeper, err := allSessions()
	if err != nil {
		return err
	}
	found, err := sessionsOf(r.Context(), keeper, whom{Issuer: asked.Get("issuer"), Person: asked.Get("person")})
	if err != nil {
		return apiError(http.StatusServiceUnavailable, "%w", err)
	}
	return writeJSON(w, reported(found))
}

func sessionsOf(ctx context.Context, keeper *session.Keeper, of whom) (found []session.Session, err error) {
	all, err := keeper.List(ctx)
	for _, s := range all {
		if of.has(s) {
			found = append(found, s)
		}
	}
	return found, err
}

// endSessions ends one session, or all of a person.
func endSessions(w http.ResponseWriter, r *http.Request) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var given whom
	if err := caddy.StrictUnmarshalJSON(body, &given); err != nil || (given.ID == "") == (given.Issuer == "" || given.Person == "") {
		return apiError(http.StatusBadRequest, `the body must be {"id": "…"} or {"issuer": "…", "person": "…"}`)
	}
	keeper, err := allSessions()
	if err != nil {
		return err
	}
	ended, err := given.end(r.Context(), keeper)
	for _, s := range ended {
		operatorOf(r).noteEnded(s)
	}
	if err != nil {
		return apiError(http.StatusServiceUnavailable, "%w", err)
	}
	return writeJSON(w, reported(ended))
}

// end ends the sessions. The issuer's name may have meant several providers, one after the other; a person is ended at each of them.
func (o whom) end(ctx context.Context, keeper *session.Keeper) (ended []session.Session, err error) {
	if o.ID != "" {
		return keeper.End(ctx, session.Which{ID: o.ID})
	}
	found, err := sessionsOf(ctx, keeper, o)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		gone, err := keeper.End(ctx, session.Which{IssuerURL: s.Person.IssuerURL, Subject: o.Person})
		if ended = append(ended, gone...); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// reported is what is shown of sessions.
func reported(all []session.Session) report.Sessions {
	out := report.Sessions{Time: sessionClock(), Sessions: make([]report.PersonSession, 0, len(all))}
	for _, s := range all {
		out.Sessions = append(out.Sessions, report.PersonSession{
			ID: s.ID, Issuer: s.Person.Issuer, Subject: s.Person.Subject, Since: s.Created, Seen: s.Seen, Ends: s.Ends, Address: s.Address, Agent: s.Agent,
		})
	}
	return out
}
