package soap

import (
	"reflect"
	"strings"
	"testing"
)

// ASP.NET's writer spells a control character as a reference, which is no XML, and does not refuse it. It takes one mail with such a
// subject, and each list of tickets has it: answers that could not be read would shut the gate.
func TestAControlCharacterInARecordMakesNoAnswerUnreadable(t *testing.T) {
	t.Parallel()
	for _, reference := range []string{"&#x1;", "&#1;", "&#x1F;", "&#x0;", "&#xFFFF;", "&#xD800;"} {
		text := queried(fine + `<EntityResults><Entity><Title>a ` + reference + reference + ` b</Title></Entity></EntityResults><Errors/>`)
		if got, want := ReadAnswer([]byte(text)), (Answer{Kind: Succeeded, Operation: Query}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s in a record: %+v", reference, got)
		}
		text = queried(strings.Replace(failed, "a &amp; b", "a"+reference+"b", 1))
		if got := ReadAnswer([]byte(text)); got.Kind != Failed || len(got.Texts) != 2 || !strings.HasPrefix(got.Texts[0], "a") || !strings.HasSuffix(got.Texts[0], "b") || got.Texts[1] != "c" {
			t.Errorf("%s in a message: %+v", reference, got)
		}
		if got := ReadAnswer([]byte(answered(`<soap:Fault><faultstring>a` + reference + `b</faultstring></soap:Fault>`))); got.Kind != Faulted {
			t.Errorf("%s in a fault: %+v", reference, got)
		}
		if _, err := Read(strings.NewReader(enveloped("", asking(ticketQuery+reference))), Query.Action()); err == nil {
			t.Errorf("%s in a request is read", reference)
		}
	}
	for what, text := range map[string]string{"an entity": "&x;", "no reference": "&#;", "a byte": "\x01"} {
		if got := ReadAnswer([]byte(queried(fine + `<EntityResults><Entity><Title>` + text + `</Title></Entity></EntityResults>`))); got.Kind != NotRead {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// A failure whose words have not come says nothing of the sign-in: they may say that it was one.
func TestAFailureThatIsCutBeforeItsWordsIsNotRead(t *testing.T) {
	t.Parallel()
	whole := queried(failed)
	for at := range len(whole) {
		got := ReadAnswer([]byte(whole[:at]))
		switch told := strings.Contains(whole[:at], "</Message>"); {
		case told && got.Kind != Failed, !told && got.Kind != NotRead:
			t.Errorf("cut to %q: %+v", whole[:at], got)
		}
	}
	long := queried(`<ReturnCode>-1</ReturnCode><EntityResults><Entity><id>1</id></Entity>`)
	if got := ReadAnswer([]byte(long[:strings.Index(long, "</Entity>")])); got.Kind != Failed {
		t.Errorf("one with records, which no failed sign-in brings: %+v", got)
	}
	if got := ReadAnswer([]byte(queried(`<ReturnCode>-1</ReturnCode>`))); got.Kind != Failed {
		t.Errorf("one that is whole: %+v", got)
	}
}

// The WSDL has GetEntityInfo with a small letter and with a capital one, and requests may too.
func TestTheAnswerOfGetEntityInfoMayHaveASmallLetter(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"GetEntityInfo", "getEntityInfo"} {
		for _, result := range []string{"GetEntityInfo", "getEntityInfo"} {
			got := ReadAnswer([]byte(answered(`<` + name + `Response xmlns="` + nsATWS + `"><` + result + `Result><EntityInfo/></` + result + `Result></` + name + `Response>`)))
			if want := (Answer{Kind: Resulted, Operation: GetEntityInfo}); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: %+v", name, result, got)
			}
		}
	}
}
