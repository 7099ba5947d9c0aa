package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// reloads load configs, good ones and such as hold a secret in the wrong place. What psagate says of those is searched, and
// they themselves may hold it.
func (s *story) reloads() {
	key := s.keys["a"].Reveal()
	if out, status := s.reload("queue 64", "queue 32"); status != 0 {
		s.Errorf("exit status %d: %s", status, out)
	}
	s.mayHold = append(s.mayHold, "Wrong")
	for what, replace := range map[string][2]string{
		"a key for its hash":          {"key sha256:", "key " + key + "\n\t\t\tkey sha256:"},
		"a key among hashes":          {"key sha256:", "key " + key + " sha256:"},
		"a key as a word":             {"login main\n", key + " main\n"},
		"a key as a name":             {"integration a {", "integration " + key + "/ {"},
		"a key as a login":            {"login main\n", "login " + key + "\n"},
		"a password beside it":        {" autotask/main", " autotask/main secret " + caddyWord(s.password)},
		"a password in a URL":         {"discover http://", "discover http://api:" + goURL(s.password) + "@"},
		"a password for a host":       {"hosts 127.0.0.1", "hosts " + caddyWord(s.password)},
		"a password for a duration":   {"queue 64 1s", "queue 64 " + caddyWord(s.password)},
		"a password for a number":     {"queue 64 1s", "queue " + caddyWord(s.password) + " 1s"},
		"a password for an owner":     {"login main\n", "login main\n\t\t\towner " + caddyWord(s.password) + "\n"},
		"a password for a flag":       {"insecure_http", "insecure_http " + caddyWord(s.password)},
		"a password for a size":       {"psa_gateway", "psa_gateway {\n\t\tmax_body " + caddyWord(s.password) + "\n\t}"},
		"a password for a webhook":    {"webhook {env.ALERTS_URL}", "webhook " + caddyWord(s.password)},
		"a password in a webhook":     {"webhook {env.ALERTS_URL}", "webhook https://api:" + goURL(s.password) + "@example.com"},
		"a password for a header":     {"header Authorization {env.ALERTS_TOKEN}", "header Authorization " + caddyWord(s.password)},
		"a password for a public URL": {"psa_gateway", "psa_gateway {\n\t\tpublic_url http://api:" + goURL(s.password) + "@example.com\n\t}"},
	} {
		s.write("Wrong", strings.Replace(s.caddyfile.String(), replace[0], replace[1], 1))
		if out, status := s.run("validate", "--config", s.path("Wrong"), "--adapter", "caddyfile"); status == 0 {
			s.Errorf("%s is no reason to refuse a config: %s", what, out)
		}
	}
	if out, status := s.run("reload", "--address", "unix/"+s.admin, "--config", s.path("Wrong"), "--adapter", "caddyfile"); status == 0 {
		s.Errorf("it is loaded: %s", out)
	}
	s.wrongJSON(key)
}

// caddyWord is a text as one word of a Caddyfile.
func caddyWord(text string) string { return "`" + text + "`" }

func goURL(text string) string { return writers["a path"](text) }

// wrongJSON is sent to the admin endpoint, as programs do.
func (s *story) wrongJSON(key string) {
	password := `"` + goJSON(s.password) + `"`
	for what, text := range map[string]string{
		"a key for its hash":       `{"apps":{"psa":{"integrations":{"a":{"keys":["` + key + `"],"login":"main"}}}}}`,
		"a password for an object": `{"apps":{"psa":{"logins":{"main":` + password + `}}}}`,
		"a password for a word":    `{"apps":{"psa":{"logins":{"main":{"secret":{"store":"file","path":"a"},"discover":` + password + `}}}}}`,
		"a password for a number":  `{"apps":{"psa":{"logins":{"main":{"lockout":{"budget":` + password + `}}}}}}`,
		"a password for a time":    `{"apps":{"psa":{"secrets":{"file":{"kind":"file","path":"a","poll":` + password + `}}}}}`,
		"a password and no end":    `{"apps":{"psa":{"logins":{"main":{"secret":` + password,
	} {
		a := s.load(`{"admin":{"listen":"unix/` + s.admin + `|0600"},` + text[1:]) // a load that fails moves the endpoint all the same
		s.heard.add(a.place("the admin endpoint's answer to JSON with "+what, ""))
		if a.status < 400 {
			s.Errorf("%s is loaded: %d %s", what, a.status, a.body)
		}
	}
}

// load sends JSON to the admin endpoint until it answers: each load, a refused one too, replaces the endpoint.
func (s *story) load(text string) (a answer) {
	s.Helper()
	s.until("the admin endpoint answers", func() bool {
		client, done := s.adminClient()
		defer done()
		resp, err := client.Post("http://admin/load", "application/json", strings.NewReader(text))
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		a = answer{resp.StatusCode, resp.Header, string(body)}
		return err == nil
	})
	return a
}

// commands are all of psagate's, as people and as programs call them.
func (s *story) commands() {
	for _, line := range []string{"status", "psa status", "check", "check main", "zones", "release main --yes", "check nobody", "release nobody --yes", "audit verify", "audit print", "audit print --ocsf"} {
		s.ask(line)
		s.ask(line + " --json")
	}
	for _, args := range [][]string{{"adapt", "--pretty"}, {"validate"}} {
		if out, status := s.run(append(args, "--config", s.path("Caddyfile"), "--adapter", "caddyfile")...); status != 0 {
			s.Errorf("%s: exit status %d: %s", args[0], status, out)
		}
	}
	for _, args := range [][]string{{"list-modules"}, {"version"}, {"build-info"}, {"help"}, {"key"}, {"status", "main"}, {"key", "new", "not/a/name"}} {
		s.run(args...)
	}
	s.newKeyIsPrintedOnce()
}

// newKeyIsPrintedOnce makes a key, and searches for it from now on.
func (s *story) newKeyIsPrintedOnce() {
	s.Helper()
	var made struct{ Key, Caddyfile string }
	out, status := s.runUnheard("key", "new", "other", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || status != 0 {
		s.Fatalf("exit status %d, %v", status, err)
	}
	s.hide("the new key", made.Key)
	s.heard.add(place{name: "what `key new` printed beside the key", text: []byte(strings.Replace(out, made.Key, "", 1))})
	r := s.request("GET", "/ATServicesRest/V1.0/Tickets/1", "")
	r.Header.Set("Secret", made.Key)
	s.hears("a key that is in no config yet", r, "", "401")
	if out, status := s.reload("login main\n", fmt.Sprintf("login main\n\t\t\t%s\n", made.Caddyfile)); status == 0 {
		s.Errorf("one key for two: %s", out)
	}
}
