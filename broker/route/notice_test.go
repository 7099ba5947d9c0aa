package route

import (
	"bytes"
	"testing"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

func TestNoticesOfTheMailService(t *testing.T) {
	t.Parallel()
	keys, err := thread.NewKeys(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	box := Mailbox{Name: "support", Tenant: "1", Default: Fields{Company: "0", Queue: "Triage"}, Keys: keys}
	to := "From: addticket@autotask.example\nTo: support+" + keys.HandedTag(3, "r") + "@msp.example\n"
	for text, want := range map[string]string{
		"Subject: Ticket creation failed\n\nThe key is not known.\n":                        "failed",
		"Subject: Unsuccessful ticket creation\n\n\n":                                       "failed",
		"Subject: Autotask\n\nThe ticket could not be created.\n":                           "failed",
		"Subject: Ticket created\n\nThe ticket was created successfully: T20261127.0001.\n": "made",
		"Subject: Success: Backup failed\n\nThe ticket “Backup failed” has been created.\n": "", // the mail's own words
		"Subject: Ihr Ticket\n\nDanke.\n":                                                   "", // who knows
		"Subject: Delayed\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed so far\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; r\n\nFinal-Recipient: rfc822; a@b.example\nAction: delayed\nStatus: 4.4.1\n\n--b--\n": "",
		"Subject: Gone\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsuccess?\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; r\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n--b--\n":          "failed",
	} {
		failed, made := want == "failed", want == "made"
		d, err := box.Route(t.Context(), message.Read([]byte(to+text), message.Options{}), book{}, book{})
		if err != nil || d.Outcome != Suppressed || d.Cause != "ates-notice" || d.Notice == nil || !d.Notice.Of.Is(3, "r") || d.Notice.Failed != failed || d.Notice.Made != made {
			t.Errorf("%q: %v, %+v", text, err, d)
		}
	}
	d, err := box.Route(t.Context(), message.Read([]byte("From: addticket@autotask.example\nTo: support+a1-3-aaaaaa-bbbbbbbbbbbbbbbb@msp.example\nSubject: failed\n\nx\n"), message.Options{}), book{}, book{})
	if err != nil || d.Outcome != NewTicket || d.Notice != nil {
		t.Errorf("a forged one: %v, %+v", err, d)
	}
}
