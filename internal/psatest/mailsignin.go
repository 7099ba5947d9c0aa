package psatest

import (
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// judge is MailSettings.SignIn.
func (s *mailSession) judge() func(user, token string) bool {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.set.SignIn
}

// AuthMechanisms implements smtp.AuthSession.
func (s *mailSession) AuthMechanisms() []string {
	if s.judge() == nil {
		return nil
	}
	return []string{"XOAUTH2"}
}

// Auth implements smtp.AuthSession.
func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	if mechanism != "XOAUTH2" || s.judge() == nil {
		return nil, errors.New("there is no such mechanism")
	}
	return &bearer{s: s}, nil
}

// bearer judges an access token. One that is refused is told why in a challenge first, as Microsoft and Google do.
type bearer struct {
	s       *mailSession
	refused bool
}

// Next implements sasl.Server.
func (b *bearer) Next(response []byte) (challenge []byte, done bool, err error) {
	if b.refused {
		return nil, true, &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "the token is not valid"}
	}
	user, token, _ := strings.Cut(strings.TrimPrefix(string(response), "user="), "\x01auth=Bearer ")
	if b.s.judge()(user, strings.TrimSuffix(token, "\x01\x01")) {
		b.s.signed = true
		return nil, true, nil
	}
	b.refused = true
	return []byte(`{"status":"401","schemes":"bearer"}`), false, nil
}
