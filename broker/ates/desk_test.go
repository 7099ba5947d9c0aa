package ates_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/psatest"
)

// desk is the least of a Ticketer and a Directory over the simulator's REST API, without a gateway between.
type desk struct{ zone *psatest.Zone }

const (
	apiUser, apiSecret, apiCode = "api@msp.example", "s", "C"
	levelOne                    = 29682833
)

// ask makes one call and reads its answer.
func (d desk) ask(method, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r := httptest.NewRequest(method, "/ATServicesRest/V1.0/"+path, bytes.NewReader(b))
	for name, value := range map[string]string{"UserName": apiUser, "Secret": apiSecret, "ApiIntegrationCode": apiCode} {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	d.zone.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
	return json.Unmarshal(answer.Body.Bytes(), into)
}

type row struct {
	ID                                                     int64
	TicketNumber, ExternalID, Title, Description, FullPath string
}

func (d desk) query(entity, field, op string, value any) ([]row, error) {
	var page struct{ Items []row }
	err := d.ask("POST", entity+"/query", map[string]any{"filter": []map[string]any{{"op": op, "field": field, "value": value}}}, &page)
	return page.Items, err
}

func (d desk) create(path string, body any) (int64, error) {
	var made struct{ ItemID int64 }
	err := d.ask("POST", path, body, &made)
	return made.ItemID, err
}

// referenceOf is what stands in a ticket: the mail service leaves it in the description alone.
func referenceOf(r row) string {
	if r.ExternalID != "" {
		return r.ExternalID
	}
	_, reference, _ := strings.Cut(r.Description, "\nRef: ")
	return reference
}

func (d desk) fields(t drive.Ticket) map[string]any {
	return map[string]any{"title": t.Title, "companyID": 0, "queueID": levelOne, "status": 1, "priority": 2, "description": t.Description, "externalID": t.Reference}
}

// Create implements drive.Ticketer, as all of these do.
func (d desk) Create(_ context.Context, t drive.Ticket) (int64, error) {
	return d.create("Tickets", d.fields(t))
}

func (d desk) Read(_ context.Context, id int64) (drive.Kept, error) {
	list, err := d.query("Tickets", "id", "eq", id)
	if err != nil || len(list) == 0 {
		return drive.Kept{}, fmt.Errorf("ticket %d: %w", id, err)
	}
	return drive.Kept{ID: id, Number: list[0].TicketNumber, Reference: referenceOf(list[0])}, nil
}

func (d desk) Find(_ context.Context, reference string) (drive.Kept, bool, error) {
	for _, by := range [][2]string{{"externalID", "eq"}, {"description", "contains"}} {
		list, err := d.query("Tickets", by[0], by[1], reference)
		if err != nil {
			return drive.Kept{}, false, err
		}
		for _, r := range list {
			if referenceOf(r) == reference {
				return drive.Kept{ID: r.ID, Number: r.TicketNumber, Reference: reference}, true, nil
			}
		}
	}
	return drive.Kept{}, false, nil
}

func (d desk) Repair(_ context.Context, id int64, t drive.Ticket) error {
	fields := d.fields(t)
	fields["id"] = id
	var changed struct{}
	return d.ask("PATCH", "Tickets", fields, &changed)
}

func (d desk) AddNote(_ context.Context, n drive.Note) error {
	_, err := d.create(fmt.Sprintf("Tickets/%d/Notes", n.Ticket), map[string]any{"title": n.Title, "description": n.Text, "noteType": 1, "publish": 1})
	return err
}

func (d desk) HasNote(_ context.Context, ticket int64, mark string) (bool, error) {
	list, err := d.query("TicketNotes", "ticketID", "eq", ticket)
	return slices.ContainsFunc(list, func(r row) bool { return strings.HasSuffix(r.Description, "\n"+mark) }), err
}

func (d desk) Attach(_ context.Context, f drive.File) error {
	_, err := d.create(fmt.Sprintf("Tickets/%d/Attachments", f.Ticket), map[string]any{"title": f.Title, "fullPath": f.Name, "attachmentType": "FILE_ATTACHMENT", "publish": 1, "data": f.Data})
	return err
}

func (d desk) HasFile(_ context.Context, ticket int64, title string) (bool, error) {
	list, err := d.query("TicketAttachments", "parentID", "eq", ticket)
	return slices.ContainsFunc(list, func(r row) bool { return r.Title == title }), err
}

func (d desk) Resources(context.Context, string) ([]route.Person, error) { return nil, nil }

func (d desk) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }

func (d desk) Companies(context.Context, string) ([]int64, error) { return nil, nil }

func (d desk) TicketByNumber(context.Context, string) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil
}

func (d desk) TicketByID(ctx context.Context, id int64) (route.Ticket, bool, error) {
	kept, err := d.Read(ctx, id)
	return route.Ticket{ID: id, Number: kept.Number}, err == nil, err
}
