package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/message"
)

func mail(t testing.TB, raw string) Mail {
	t.Helper()
	m := message.Read([]byte(raw), message.Options{})
	return Mail{Message: m, Mailbox: "support", Alias: "net@example.com", From: m.Author(), Sender: "contact", Company: 7}
}

const alert = "From: Nagios <Nagios@Mon.example>\nTo: Net@example.com, b@example.com\nDelivered-To: c@example.com\nSubject: [CRITICAL] disk =?utf-8?q?=C3=A4?=\nX-Prio: 1\nX-Prio: 2\n\nhost db1 is down\n"

func TestConditions(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]bool{
		`kind == 'alert' && subject.startsWith('[CRITICAL]')`:           true,
		`from == 'nagios@mon.example' && from_name == 'Nagios'`:         true,
		`from_domain.endsWith('.example')`:                              true,
		`'net@example.com' in to && 'c@example.com' in to`:              true,
		`subject.contains('ä')`:                                         true,
		`text.matches('host \\w+ is down')`:                             true,
		`headers.first('X-PRIO') == '1' && headers['x-prio'][1] == '2'`: true,
		`headers.first('x-none') == ''`:                                 true,
		`sender == 'contact' && company == 7 && !ticket`:                true,
		`files.exists(f, f.endsWith('.exe')) || size > 1000000`:         false,
		`mailbox == 'support' && alias == 'net@example.com'`:            true,
		`subject.lowerAscii().contains('warning')`:                      false,
	} {
		rules, err := Load([]Rule{{Name: "r", When: when}})
		if err != nil {
			t.Errorf("%s: %v", when, err)
			continue
		}
		if matched, troubles := rules.Match(mail(t, alert)); (len(matched) == 1) != want || len(troubles) != 0 {
			t.Errorf("%s: %v, %v, want %t", when, matched, troubles, want)
		}
	}
}

func TestOrderAndTroubles(t *testing.T) {
	t.Parallel()
	rules, err := Load([]Rule{
		{Name: "never", When: "false", Last: true},
		{Name: "broken here", When: "headers['x-none'][0] == 'x'"},
		{Name: "costly", When: "[1,2,3,4,5,6,7,8,9,0].all(a, [1,2,3,4,5,6,7,8,9,0].all(b, [1,2,3,4,5,6,7,8,9,0].all(c, [1,2,3,4,5,6,7,8,9,0].all(d, [1,2,3,4,5,6,7,8,9,0].all(e, [1,2,3,4,5,6,7,8,9,0].all(f, size != a+b+c+d+e+f))))))"},
		{Name: "first", When: "true"},
		{Name: "last", When: "true", Last: true},
		{Name: "after", When: "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	matched, troubles := rules.Match(mail(t, alert))
	if !slices.Equal(matched, []int{3, 4}) || rules.Name(4) != "last" {
		t.Errorf("%v", matched)
	}
	if len(troubles) != 2 || !strings.Contains(troubles[0], `"broken here"`) || !strings.Contains(troubles[1], "cost") {
		t.Errorf("%q", troubles)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	for want, rules := range map[string][]Rule{
		"two rules":    {{Name: "a", When: "true"}, {Name: "a", When: "false"}},
		"no name":      {{When: "true"}},
		"undeclared":   {{Name: "a", When: "sbject == 'x'"}},
		"must be true": {{Name: "a", When: "size"}},
		"no matching":  {{Name: "a", When: "size == 'x'"}},
		"Syntax error": {{Name: "a", When: "size =="}},
		"at most 4096": {{Name: "a", When: strings.Repeat("true && ", 1000) + "true"}},
		"recursion":    {{Name: "a", When: strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500)}},
		"at most 500":  slices.Repeat([]Rule{{Name: "a", When: "true"}}, 501),
	} {
		if _, err := Load(rules); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		} else if len(rules) == 1 && rules[0].Name != "" && !strings.Contains(err.Error(), `rule "a"`) {
			t.Errorf("it does not name the rule: %v", err)
		}
	}
}

func Example() {
	rules, err := Load([]Rule{{Name: "printers", When: "subject.lowerAscii().contains('printer') && sender != 'unknown'"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := message.Read([]byte("From: jo@example.com\nSubject: Printer on fire\n\nHelp!\n"), message.Options{})
	matched, _ := rules.Match(Mail{Message: m, From: m.Author(), Sender: "contact"})
	for _, place := range matched {
		fmt.Println(rules.Name(place))
	}
	// Output: printers
}
