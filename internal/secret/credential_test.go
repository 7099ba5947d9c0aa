package secret

import (
	"strings"
	"testing"
)

func loginRecord(change map[string]string) Record {
	fields := map[string]Value{
		"username": NewValue("api@example.com"), "secret": NewValue("s3cret-value"), "integration_code": NewValue("CODE1234"),
	}
	for name, text := range change {
		if text == "-" {
			delete(fields, name)
			continue
		}
		fields[name] = NewValue(text)
	}
	return Record{Path: "autotask/main", Version: 3, Fields: fields}
}

func TestALoginRecordBecomesACredentialOfOneVersion(t *testing.T) {
	c, err := CredentialFrom(loginRecord(map[string]string{"zone": "https://webservices14.autotask.net/", "impersonate": "7"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.UserName != "api@example.com" || c.Secret.Reveal() != "s3cret-value" || c.IntegrationCode.Reveal() != "CODE1234" ||
		c.Zone != "https://webservices14.autotask.net/" || c.Impersonate != "7" || c.Version != 3 {
		t.Errorf("decoded as %+v", c)
	}
	if c, err = CredentialFrom(loginRecord(nil)); err != nil || c.Zone != "" || c.Impersonate != "" {
		t.Errorf("without the optional fields: %+v, %v", c, err)
	}
}

func TestAnImpersonationIsAResourceId(t *testing.T) {
	for _, wrong := range []string{"jane", "-7", "7.5", "0x7"} {
		if _, err := CredentialFrom(loginRecord(map[string]string{"impersonate": wrong})); err == nil || !strings.Contains(err.Error(), "impersonate") || strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestAWrongLoginRecordIsNamedByFieldAndNeverByContent(t *testing.T) {
	for name, test := range map[string]struct {
		change map[string]string
		want   string
	}{
		"a missing secret":                {map[string]string{"secret": "-"}, `field "secret" is missing`},
		"an empty secret":                 {map[string]string{"secret": ""}, `field "secret" is empty`},
		"a missing integration code":      {map[string]string{"integration_code": "-"}, `field "integration_code" is missing`},
		"an empty optional zone":          {map[string]string{"zone": ""}, `field "zone" is empty`},
		"a misspelt field":                {map[string]string{"username": "-", "user_name": planted}, `field "username" is missing (there is "user_name": did you mean "username"?)`},
		"a field in capitals":             {map[string]string{"secret": "-", "Secret": planted}, `field "secret" is missing (there is "Secret": did you mean "secret"?)`},
		"a missing field beside a note":   {map[string]string{"secret": "-", "colour": planted}, `field "secret" is missing`},
		"a misspelt optional field":       {map[string]string{"zonne": planted}, `field "zonne" is unknown (did you mean "zone"?)`},
		"an optional field in capitals":   {map[string]string{"ZONE": planted}, `field "ZONE" is unknown (did you mean "zone"?)`},
		"a longer misspelt one":           {map[string]string{"impersonation": planted}, `field "impersonation" is unknown (did you mean "impersonate"?)`},
		"a trailing line break":           {map[string]string{"secret": planted + "\n"}, `field "secret" ends with a line break`},
		"a trailing space":                {map[string]string{"secret": planted + " "}, `field "secret" begins or ends with a space`},
		"a leading no-break space":        {map[string]string{"username": "\u00a0" + planted}, `field "username" begins or ends with a space`},
		"a control character within":      {map[string]string{"secret": planted + "\x00x"}, `field "secret" holds a control or invisible character`},
		"a zero width space from a paste": {map[string]string{"integration_code": planted + "\u200b"}, `field "integration_code" holds a control or invisible character`},
		"a replacement character":         {map[string]string{"secret": planted + "\ufffd"}, `field "secret" holds a replacement character; its text is damaged`},
		"two faults":                      {map[string]string{"secret": "", "zone": " x"}, `field "secret" is empty; field "zone" begins or ends with a space`},
	} {
		_, err := CredentialFrom(loginRecord(test.change))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if want := `record "autotask/main", version 3: ` + test.want; err.Error() != want {
			t.Errorf("%s: error %q, want %q", name, err, want)
		}
		if strings.Contains(err.Error(), planted) {
			t.Errorf("%s: the error shows the content", name)
		}
	}
}

func TestNotesBesideACredentialAreNobodysBusiness(t *testing.T) {
	notes := map[string]string{
		"note": "", "Notes": "x", "phone": "x", "code": "x", "owner": "x", "rotated by": "x\n", "expires": "2027", "url": "x",
		"secret_old": "x", "username2": "x", "integration code": "x",
	}
	if _, err := CredentialFrom(loginRecord(notes)); err != nil {
		t.Errorf("refused: %v", err)
	}
	both := map[string]string{"zone": "https://webservices14.autotask.net/", "zonne": "x"}
	if _, err := CredentialFrom(loginRecord(both)); err != nil {
		t.Errorf("a field near to one that is there: %v", err)
	}
}
