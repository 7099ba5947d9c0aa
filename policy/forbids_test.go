package policy

import "testing"

// A permit that fails hides no forbid from who asks whether there is one.
func TestADecisionTellsWhetherAForbidHasAPartInIt(t *testing.T) {
	t.Parallel()
	const permit = "permit (principal, action, resource);\n"
	for name, c := range map[string]struct {
		text    string
		forbids bool
	}{
		"nothing":                             {permit, false},
		"a forbid":                            {permit + `forbid (principal, action, resource) when { context.method == "POST" };`, true},
		"one that fails":                      {permit + `forbid (principal, action, resource) when { context.fields.contains("x") };`, true},
		"a permit that fails":                 {permit + `permit (principal, action, resource) when { context.fields.contains("x") };`, false},
		"a permit that fails beside a forbid": {`permit (principal, action, resource) when { context.fields.contains("x") };` + "forbid (principal, action, resource) when { !context.fields_known };", true},
		"not permitted":                       {`permit (principal, action == Action::"read", resource);`, false},
	} {
		p, err := Load([]Source{{Name: "a.cedar", Text: []byte(c.text)}}, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d := p.Decide(Request{Principal: Principal{Kind: Integration, Name: "i"}, Action: Create, Entity: "Tickets", Method: "POST"})
		if d.Forbids != c.forbids {
			t.Errorf("%s: %v, %+v", name, d.Forbids, d)
		}
	}
}
