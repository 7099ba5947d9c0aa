package tickets

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
)

// mute is a PSA that answers no question.
type mute struct{ posts int }

// Call implements Caller.
func (m *mute) Call(_ context.Context, method, _ string, _ []byte) (call.InsideAnswer, error) {
	if method == http.MethodPost {
		m.posts++
	}
	return call.InsideAnswer{Status: http.StatusGatewayTimeout, Reason: autotask.UpstreamTimeout, InDoubt: true}, nil
}

// What was only asked about has not been made: such a mail needs no looking for, and waits no longer than it has to.
func TestAQuestionWithoutAnAnswerLeavesNothingInDoubt(t *testing.T) {
	t.Parallel()
	psa := new(mute)
	tickets := New(Options{Caller: psa})
	_, ticket := tickets.Create(t.Context(), drive.Ticket{Reference: "r", Title: "Printer"})
	note := tickets.AddNote(t.Context(), drive.Note{Ticket: 7, Title: "Printer", Text: "Ref: r", Mark: "Ref: r"})
	for what, err := range map[string]error{"ticket": ticket, "note": note} {
		if !errors.Is(err, drive.ErrNotNow) || psa.posts != 0 {
			t.Errorf("a %s whose lists could not be read, after %d sends: %v", what, psa.posts, err)
		}
	}
}
