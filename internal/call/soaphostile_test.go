package call

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/soap"
)

// The PSA's SOAP errors have the status of a success.
func TestASOAPErrorInA200ShowsNoEchoedSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		w.standIn(func(rw http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
			_, _ = io.WriteString(rw, enveloped("", `<t:queryResponse><t:queryResult><t:ReturnCode>-1</t:ReturnCode><t:Errors><t:ATWSError><t:Message>Odd: `+
				r.Header.Get("Authorization")+` `+password+`</t:Message></t:ATWSError></t:Errors></t:queryResult></t:queryResponse>`))
		})
		a := w.soap("a", soap.Query, enveloped("", ticketsFrom(1)))
		if a.status != 200 || !strings.Contains(a.body, "<t:Message>Odd: ") {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if strings.Contains(a.body, "old-password") || strings.Contains(a.body, base64.StdEncoding.EncodeToString([]byte(user+":old-password"))) {
			t.Errorf("the caller reads %s", a.body)
		}
	})
}

// Any reader may ask for any name of an entity, and the PSA repeats it.
func TestNoNameOfAnEntityLocksALogin(t *testing.T) {
	for _, name := range []string{"Your_account_has_been_locked", "Password"} {
		inWorld(t, func(w *world) {
			for op, body := range map[soap.Operation]string{
				soap.Query:        strings.Replace(ticketsFrom(1), "Ticket", name, 1),
				soap.GetFieldInfo: `<t:GetFieldInfo><t:psObjectType>` + name + `</t:psObjectType></t:GetFieldInfo>`,
				soap.GetUDFInfo:   `<t:getUDFInfo><t:psTable>` + name + `</t:psTable></t:getUDFInfo>`,
			} {
				if a := w.soap("a", op, enveloped("", body)); a.reason() != "" || !strings.Contains(a.body, name) {
					t.Errorf("%s: %d %s %s", op, a.status, a.reason(), a.body)
				}
			}
			w.unharmed()
		})
	}
}

// Nobody has seen all texts in which the PSA repeats what was sent. Whoever may write a ticket must not be able to lock the login for all
// until an operator comes.
func TestNoTextThatACallerSentLocksALogin(t *testing.T) {
	inWorld(t, func(w *world) {
		const text = "your account has been locked"
		echo := w.sim.Fault(psatest.Fault{At: psatest.Received, Operation: "create", Times: 1, Then: psatest.Answer, Status: 200, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, Body: enveloped("", `<t:createResponse><t:createResult><t:ReturnCode>-1</t:ReturnCode><t:Errors><t:ATWSError><t:Message>Field `+
			text+` is none</t:Message></t:ATWSError></t:Errors></t:createResult></t:createResponse>`)})
		w.served("a")
		udf := `<t:UserDefinedFields><t:UserDefinedField><t:Name>` + text + `</t:Name></t:UserDefinedField></t:UserDefinedFields>`
		a := w.soap("a", soap.Create, enveloped("", entities(soap.Create, [3]string{"Ticket", "0", udf + ticketFields})))
		if a.reason() != "upstream-unreachable" || !strings.Contains(a.body, "look whether the call was carried out") || echo.Hits() != 1 {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
		time.Sleep(time.Minute)
		w.served("a")
		w.safeNow()
		if w.failed() != 0 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
	})
}
