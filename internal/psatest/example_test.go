package psatest_test

import (
	"fmt"
	"net/http"

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
