package tickets

import (
	"context"
	"testing"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/call"
)

// oneAnswer gives the same answer to every call.
type oneAnswer call.InsideAnswer

func (a oneAnswer) Call(context.Context, string, string, []byte) (call.InsideAnswer, error) {
	return call.InsideAnswer(a), nil
}

// Whatever comes back is read without harm, and nothing is taken for there, or for made, that the answer does not say.
func FuzzAnswers(f *testing.F) {
	for _, text := range []string{
		`{"items":[{"id":7,"ticketNumber":"T20261127.0001","externalID":"` + ref(1) + `","description":"x"}],"pageDetails":{"nextPageUrl":null}}`,
		`{"items":[{"id":7,"description":"x\nRef: ` + ref(1) + `"}],"pageDetails":{"nextPageUrl":"https://h/ATServicesRest/V1.0/Tickets/query/next?paging={}"}}`,
		`{"item":null}`, `{"item":{"id":7,"contactID":null,"isActive":"0"}}`, `{"itemId":7}`, `{"itemId":0}`, `{"errors":["Missing Required Field: queueID"]}`,
		`{"fields":[{"name":"queueID","isPickList":true,"picklistValues":[{"value":"5","label":"a\/b","parentValue":null,"isActive":true,"isDefaultValue":true},{"value":6,"label":7}]}]}`,
		`{"items":[{"id":1,"isActive":0,"webAddress":"http://%zz"}]}`, `{"errors":["threads threshold exceeded"]}`, "", "null", "[]", "<html>",
	} {
		f.Add(200, text)
		f.Add(500, text)
	}
	f.Fuzz(func(t *testing.T, status int, text string) {
		s := New(Options{Caller: oneAnswer{Status: status, Body: []byte(text)}})
		ctx := t.Context()
		if k, there, err := s.Find(ctx, ref(1)); there && (err != nil || k.Reference != ref(1)) {
			t.Errorf("found %+v, %v", k, err)
		}
		if id, err := s.Create(ctx, mail(1)); err == nil && (id <= 0 || status >= 300) {
			t.Errorf("made %d of status %d", id, status)
		}
		if err := s.AddNote(ctx, drive.Note{Ticket: 1, Text: "x", Mark: "Ref: " + ref(1)}); err == nil && status >= 300 {
			t.Errorf("a note of status %d", status)
		}
		_, _ = s.HasNote(ctx, 1, "Ref: "+ref(1))
		_, _ = s.HasFile(ctx, 1, "x")
		_, _ = s.Contacts(ctx, "x@y.example", 1)
		_, _ = s.Companies(ctx, "y.example")
		_, _ = s.Participates(ctx, 1, "x@y.example")
		if lists, err := s.AskPicklists(ctx); err == nil {
			lists.Resolve(route.Fields{Queue: "5", SubIssueType: "a/b"})
		}
		_ = s.Repair(ctx, 1, mail(1))
		_ = s.Down()
	})
}
