package main

import "strings"

// invitation tells what to try while the gateway is up.
func (t *terminal) invitation(w *world) {
	t.say("", "The gateway is up at "+w.url()+" until Ctrl-C, and each integration calls once a second. To copy:")
	for _, e := range w.examples() {
		t.say("", "  "+e.says+":", e.command)
	}
	t.say("", "The console, for people: "+w.desk.url()+"/ in a browser.",
		"  Sign in as Ann, who may switch programs off and read mails; as Bob, who may look; or",
		"  as Eve, who may not even do that. Whoever does something is asked for a code of an app: the",
		"  telephone "+w.desk.provider.Phone()+" has Ann's.", "")
}

// example is a command to copy.
type example struct{ says, command string }

func (w *world) examples() []example {
	tickets := w.url() + "/ATServicesRest/V1.0/Tickets"
	key := "'Secret: " + w.integrations[0].key.Reveal() + "'"
	return []example{
		{"a ticket", command("curl -H "+key, tickets+"/1")},
		{"a query", command(
			"curl -H "+key, "-H 'Content-Type: application/json'",
			`-d '{"MaxRecords":3,"filter":[{"op":"gt","field":"id","value":0}]}'`, tickets+"/query",
		)},
		{"a wrong key (the PSA's bare 401; after ten in a minute, a 429)", command("curl -i -H 'Secret: letmein'", tickets+"/1")},
		{"a mail, which becomes a ticket", command(
			"curl smtp://"+w.desk.mail+" --mail-from "+mailFrom+" --mail-rcpt "+mailTo,
			"-H 'From: "+mailFrom+"' -H 'Subject: No network' -F '=It went at noon.'",
		)},
		{"that ticket", command(
			"curl -H "+key, "-H 'Content-Type: application/json'",
			`-d '{"filter":[{"op":"eq","field":"title","value":"No network"}],"includeFields":["ticketNumber","title","description"]}'`, tickets+"/query",
		)},
		{"what became of each mail, and whether the books balance", command("go run ./cmd/psagate mail list support", "--address unix/"+w.path("admin"))},
		{"what psagate says of the login", command("go run ./cmd/psagate status", "--address unix/"+w.path("admin"))},
		{"what each policy says to a call", command("go run ./cmd/psagate policy explain rmm delete Tickets", "--address unix/"+w.path("admin"))},
		{"what the policies would do now with all calls so far", command("go run ./cmd/psagate policy replay", "--policy "+w.policyFile(), w.path("audit.log"))},
		{"whether the audit log is as it was written", command(
			"XDG_DATA_HOME="+w.dir+" go run ./cmd/psagate audit verify", "--config "+w.path("Caddyfile"), "--adapter caddyfile",
		)},
	}
}

// command is a shell command over several lines.
func command(lines ...string) string { return "  " + strings.Join(lines, " \\\n    ") }
