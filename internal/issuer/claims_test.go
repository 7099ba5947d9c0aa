package issuer

import "testing"

func TestAnAddressThatIsNotVerifiedIsNotWhatAPersonIsCalledEither(t *testing.T) {
	i := &Issuer{cfg: Config{URL: "https://login.example.com", GroupsClaim: "groups"}}
	const boss = "boss@example.com"
	for name, c := range map[string]struct {
		claims      Claims
		email, says string
	}{
		"verified":                  {Claims{"sub": "1", "email": boss, "email_verified": true, "name": "Ann"}, boss, "Ann"},
		"as the name":               {Claims{"sub": "1", "email": boss, "email_verified": false, "name": boss}, "", ""},
		"as the name, spelt anew":   {Claims{"sub": "1", "email": boss, "email_verified": "false", "name": " BOSS@example.com"}, "", ""},
		"as the user name":          {Claims{"sub": "1", "email": boss, "email_verified": false, "preferred_username": boss}, "", ""},
		"another one as the name":   {Claims{"sub": "1", "email": "x@example.net", "email_verified": false, "name": boss}, "", ""},
		"with a name that is none":  {Claims{"sub": "1", "email": boss, "email_verified": false, "name": "Ann"}, "", "Ann"},
		"a user name beside a name": {Claims{"sub": "1", "email": boss, "email_verified": false, "name": boss, "preferred_username": "ann"}, "", "ann"},
		"nothing said":              {Claims{"sub": "1", "preferred_username": boss}, "", boss}, // as Entra ID does
	} {
		p, err := i.person(c.claims)
		if err != nil || p.Email != c.email || p.Name != c.says {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}
