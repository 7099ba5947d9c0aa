package psatest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/psatest"
)

// A client that keeps an old password: the ledger tells who burned what.
func ExampleSim() {
	sim := psatest.New()
	defer sim.Close()
	zone := sim.AddZone("5")
	user := sim.AddTenant("Example", zone).AddUser("api@example.com", "old", "CODE")
	user.SetSecret("new")

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 3 {
		req, _ := http.NewRequest("GET", zone.URL()+"/ATServicesRest/V1.0/Tickets/1", nil)
		req.Header.Set("UserName", "api@example.com")
		req.Header.Set("Secret", "old")
		req.Header.Set("ApiIntegrationCode", "CODE")
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}
	for _, e := range sim.Ledger().Of("api@example.com").Failed() {
		fmt.Println(e.Cause, e.Secret, e.Count)
	}
	fmt.Println(user.Locked())
	// Output:
	// wrong-secret previous#1 1
	// wrong-secret previous#1 2
	// wrong-secret previous#1 3
	// false
}

// A client of SOAP: what is wrong stands in a 200, and the ledger names the operation.
func ExampleSim_soap() {
	sim := psatest.New()
	defer sim.Close()
	zone := sim.AddZone("5")
	sim.AddTenant("Example", zone).AddUser("api@example.com", "secret", "CODE")

	const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>` +
		`<AutotaskIntegrations xmlns="http://autotask.net/ATWS/v1_6/"><IntegrationCode>CODE</IntegrationCode></AutotaskIntegrations>` +
		`</s:Header><s:Body><query xmlns="http://autotask.net/ATWS/v1_6/"><sXML>not a query</sXML></query></s:Body></s:Envelope>`
	req, _ := http.NewRequest("POST", zone.URL()+"/ATServices/1.6/atws.asmx", strings.NewReader(envelope))
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("SOAPAction", `"http://autotask.net/ATWS/v1_6/query"`)
	req.SetBasicAuth("api@example.com", "secret")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if res, err := client.Do(req); err == nil {
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		fmt.Println(res.StatusCode, strings.Contains(string(body), "<ReturnCode>-1</ReturnCode>"))
	}
	fmt.Println(sim.Ledger()[0].Operation, sim.Ledger()[0].Cause)
	// Output:
	// 200 true
	// query ok
}
