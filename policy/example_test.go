package policy_test

import (
	"fmt"

	"github.com/psagate/psagate/policy"
)

func Example() {
	policies, err := policy.Load([]policy.Source{{Name: "itglue.cedar", Text: []byte(`
@id("itglue reads companies")
permit (principal == Integration::"itglue", action in [Action::"read", Action::"query"], resource in Entity::"Companies");
`)}}, policy.Options{Entities: []string{"Companies", "Tickets"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := policy.Request{
		Principal: policy.Principal{Kind: policy.Integration, Name: "itglue"}, Action: policy.Read, Entity: "Companies", ID: "175",
	}
	fmt.Println(policies.Decide(request))
	request.Action = policy.Update
	fmt.Println(policies.Decide(request).Permit)
	// Output:
	// allowed by itglue reads companies (itglue.cedar:2)
	// permit (principal == Integration::"itglue", action == Action::"update", resource == Entity::"Companies");
}

func ExampleLoad_aMisspeltWord() {
	_, err := policy.Load([]policy.Source{{Name: "a.cedar", Text: []byte(`permit (principal, action, resource)
when { context.feilds.contains("title") };`)}}, policy.Options{})
	fmt.Println(err)
	// Output:
	// a.cedar:2:16: unknown word of the context "feilds"; did you mean "fields"?
}

func ExamplePolicies_Test() {
	policies, err := policy.Load(nil, policy.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cases, err := policy.ParseCases("a.cases.json", []byte(`{"cases": [{
	"name": "the mail broker creates companies",
	"request": {"mailbox": "support", "action": "create", "entity": "Companies"},
	"want": "allow"
}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range policies.Test(cases) {
		fmt.Printf("%s:%d: %s: %s\n", result.File, result.Line, result.Name, result.Failure)
	}
	// Output:
	// a.cases.json:1: the mail broker creates companies: want allow, got deny: no policy permits it; this one would: permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"Companies");
}
