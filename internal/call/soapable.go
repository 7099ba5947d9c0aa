package call

import (
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/soap"
)

// unsoapable says why the credential that the login's record holds by now cannot be used with SOAP; empty where it can, or there is none.
// It shows no value. REST may take it all the same.
func (n *lane) unsoapable() []string {
	n.mu.Lock()
	seat := n.next
	n.mu.Unlock()
	if seat == nil {
		seat = n.sitting()
	}
	if seat == nil {
		return nil
	}
	c := seat.card()
	if c == nil {
		return nil
	}
	call := inject.Request{Operation: autotask.Operation{API: autotask.SOAP}, Envelope: new(soap.Request), Credential: c.credential}
	if err := call.Sendable(); err != nil {
		return []string{"programs that use SOAP are refused on this login: " + err.Error()}
	}
	return nil
}
