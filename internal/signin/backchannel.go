package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/session"
)

// backChannel takes a provider's word that somebody is signed out (OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8). A
// token that comes once more ends nothing that began after it was made.
func (s *Site) backChannel(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "no-store")
	i, token := s.byName[name], r.PostFormValue("logout_token")
	if i == nil || token == "" {
		s.noLogout(w, r, name, http.StatusBadRequest, WrongAnswer, "there is no such issuer, or no logout_token")
		return
	}
	out, err := i.LogoutToken(r.Context(), token)
	switch {
	case errors.Is(err, issuer.ErrDown):
		s.noLogout(w, r, name, http.StatusServiceUnavailable, IssuerDown, err.Error())
		return
	case err != nil:
		s.noLogout(w, r, name, http.StatusBadRequest, WrongAnswer, err.Error())
		return
	}
	which := session.Which{IssuerURL: i.URL(), Subject: out.Subject, IssuerSession: out.SessionID, Before: out.Issued.Add(issuer.Leeway)}
	gone, err := s.cfg.Sessions.End(r.Context(), which)
	if err != nil { // before the token is noted, so that the provider may send it again
		s.noLogout(w, r, name, http.StatusServiceUnavailable, StoreDown, err.Error())
		return
	}
	for _, g := range gone {
		s.tell(r, Event{What: Ended, Person: g.Person, Issuer: name, Session: g.ID})
	}
	sum := sha256.Sum256([]byte(i.URL() + "\x00" + out.ID))
	first, err := s.cfg.Sessions.Once(r.Context(), "logout "+hex.EncodeToString(sum[:]), out.Expires)
	switch {
	case err != nil:
		s.noLogout(w, r, name, http.StatusServiceUnavailable, StoreDown, err.Error())
	case !first:
		s.noLogout(w, r, name, http.StatusBadRequest, TakenBefore, "the logout token came before")
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// noLogout answers a provider whose word was not taken; why is for the log.
func (s *Site) noLogout(w http.ResponseWriter, r *http.Request, name string, status int, word Why, why string) {
	if s.byName[name] == nil {
		name = ""
	}
	if leftOut, ok := s.strangers.next(s.cfg.Now()); ok {
		s.cfg.Log.Warn("a back-channel logout was not taken", "issuer", name, "reason", why, "client_ip", s.cfg.ClientIP(r), "left_out", leftOut)
	}
	s.tell(r, Event{What: LogoutRefused, Issuer: name, Why: word, Reason: why})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":"invalid_request"}`))
}
