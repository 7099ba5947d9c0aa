package caddymodule

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/psagate/psagate/internal/report"
)

// adviceParts are lines of a Caddyfile that differ from one against which nothing can be said.
type adviceParts struct {
	// admin takes the place of the admin line, global stands beside it; "none" is no line.
	admin, global string
	// secrets takes the place of the store; psa stands beside it.
	secrets, psa string
	// login and integration stand in the blocks of that name.
	login, integration string
	// made: this process made the store and the installation key.
	made bool
	// noOwner leaves the integration's owner out.
	noOwner bool
	// address takes the place of the site's, gate that of its psa_gateway; site stands before that, before and after around the site.
	address, site, gate, before, after string
}

func adviceOr(text, otherwise string) string {
	switch text {
	case "":
		return otherwise
	case "none":
		return ""
	}
	return text
}

// text is the Caddyfile.
func (p adviceParts) text() string {
	owner := "owner jane@example.com"
	if p.noOwner {
		owner = ""
	}
	text := fmt.Sprintf(`{
%s
%s
psa {
%s
login main {
secret file autotask/main
%s
}
integration itglue {
key %s
%s
%s
}
%s
}
}
%s
%s {
%s
%s
}
%s
`, adviceOr(p.admin, "admin unix//run/psagate/admin.sock|0600"), p.global, adviceOr(p.secrets, "secrets file /etc/psagate/secrets.json"), p.login, hash1, owner,
		p.integration, p.psa, p.before, adviceOr(p.address, "psa.example.com"), p.site, adviceOr(p.gate, "psa_gateway"), p.after)
	return string(caddyfile.Format([]byte(text)))
}

// provisioned loads a config as far as Caddy does before it starts anything.
func provisioned(t *testing.T, config []byte) caddy.Context {
	t.Helper()
	useFake(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &cfg); err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cancel, err := privateField[context.CancelCauseFunc](reflect.ValueOf(cfg).Elem(), "cancelFunc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(errors.New("the test is over")) })
	return ctx
}

// advised returns what is unwise in a config, at noon.
func advised(t *testing.T, config []byte) []report.Warning {
	t.Helper()
	ctx := provisioned(t, config)
	app, err := ctx.AppIfConfigured("psa")
	if err != nil {
		t.Fatal(err)
	}
	return advise(ctx, app.(*App), noon)
}

// adviceKinds lists warnings as `kind: where, where`.
func adviceKinds(warnings []report.Warning) (list []string) {
	for _, w := range warnings {
		list = append(list, w.Kind+": "+strings.Join(w.Where, ", "))
	}
	return list
}

func moreIntegrations(n int, lines string) (text string) {
	for i := range n {
		text += fmt.Sprintf("integration more%d {\nkey sha256:%064x\nowner jane@example.com\n%s\n}\n", i, i, lines)
	}
	return text
}

// trustPool returns a line that trusts a certificate of the test's own.
func trustPool(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return "trust_pool inline {\ntrust_der " + base64.StdEncoding.EncodeToString(der) + "\n}"
}

func clientAuth(lines string) string { return "tls internal {\nclient_auth {\n" + lines + "\n}\n}" }

func serversOption(lines string) string { return "servers {\n" + lines + "\n}" }

const (
	vaultStore = "secrets file /etc/psagate/secrets.json\nsecrets vault https://vault.example.com {\nauth %s\n%s\n}"
	// issuerStore is a secret store, and an issuer of people beside it.
	issuerStore = "secrets file /etc/psagate/secrets.json\nissuer corp https://login.example.com {\nclient_id psagate\n}"
	twoIssuers  = issuerStore + "\nissuer guests https://guests.example.com {\nclient_id psagate\n}"

	keyFrom    = "key_from vault psagate/itglue"
	plainProxy = "http://psa.example.com"
	onLoopback = "bind 127.0.0.1"
	twoKeys    = "key sha256:2222222222222222222222222222222222222222222222222222222222222222\nkey sha256:3333333333333333333333333333333333333333333333333333333333333333"
)

// adviceCase is a Caddyfile and what is said of it; nothing where want is empty.
type adviceCase struct {
	parts adviceParts
	want  []string
}

// Each kind is in a case that has it, beside near ones that do not.
func adviceCases(t *testing.T) map[string]adviceCase {
	ca := trustPool(t)
	people := filepath.Join(t.TempDir(), "people.cedar")
	if err := os.WriteFile(people, []byte("permit (principal is Person, action == Action::\"check\", resource);"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]adviceCase{
		"nothing to say": {},
		"nothing to say, more of everything": {adviceParts{
			secrets: fmt.Sprintf(vaultStore, "approle psagate {file./run/secrets/id}", ""), global: "log {\nformat psa\n}\n" + serversOption("trusted_proxies static 10.0.0.0/8\ntrusted_proxies_strict"),
			integration: keyFrom + "\nfrom 192.0.2.0/24\nexpires 2027-01-01", site: "header -Server\nencode\nlog {\nformat psa\n}",
		}, nil},

		"admin on its default":                 {adviceParts{admin: "none"}, []string{"admin-tcp: admin"}},
		"admin on loopback":                    {adviceParts{admin: "admin 127.0.0.1:9999"}, []string{"admin-tcp: admin"}},
		"admin on all interfaces":              {adviceParts{admin: "admin :2019"}, []string{"admin-network: admin"}},
		"admin on 0.0.0.0":                     {adviceParts{admin: "admin 0.0.0.0:2019"}, []string{"admin-network: admin"}},
		"admin on an address of the network":   {adviceParts{admin: "admin 192.0.2.1:2019"}, []string{"admin-network: admin"}},
		"admin by a placeholder":               {adviceParts{admin: "admin {env.PSAGATE_TEST_ADMIN}"}, []string{"admin-network: admin"}},
		"admin on a socket of Caddy's default": {adviceParts{admin: "admin unix//run/admin.sock"}, nil},
		"admin on a socket for the group":      {adviceParts{admin: "admin unix//run/admin.sock|0660"}, []string{"admin-socket: admin"}},
		"admin on a socket for all to write":   {adviceParts{admin: "admin unix//run/admin.sock|0222"}, []string{"admin-socket: admin"}},
		"admin on an abstract socket":          {adviceParts{admin: "admin unix/@psagate"}, []string{"admin-abstract: admin"}},
		"admin on a socket of systemd's":       {adviceParts{admin: "admin fd/3"}, []string{"unseen: admin"}},
		"admin off":                            {adviceParts{admin: "admin off"}, []string{"admin-off: admin"}},

		"plain HTTP": {adviceParts{address: plainProxy}, []string{"plain-http: site psa.example.com"}},
		"plain HTTP on an address of the network":   {adviceParts{address: plainProxy, site: "bind 192.0.2.1"}, []string{"plain-http: site psa.example.com"}},
		"plain HTTP for all hosts":                  {adviceParts{address: ":8080"}, []string{"plain-http: server srv0"}},
		"plain HTTP on loopback":                    {adviceParts{address: plainProxy, site: onLoopback}, nil},
		"plain HTTP on a socket":                    {adviceParts{address: plainProxy, site: "bind unix//run/site.sock"}, nil},
		"another site's plain HTTP":                 {adviceParts{after: "http://other.example.com {\nrespond hi\n}"}, nil},
		"two hosts of a site":                       {adviceParts{address: "http://psa.example.com, http://psa.example.org"}, []string{"plain-http: site psa.example.com, site psa.example.org"}},
		"no site":                                   {adviceParts{gate: "respond hi"}, []string{"no-site: psa"}},
		"psa_proxy alone":                           {adviceParts{gate: "psa_proxy"}, []string{"no-identify: site psa.example.com"}},
		"psa_identify alone":                        {adviceParts{gate: "psa_identify"}, []string{"no-proxy: site psa.example.com"}},
		"psa_identify alone in another site":        {adviceParts{after: "other.example.com {\npsa_identify\nrespond hi\n}"}, []string{"no-proxy: site other.example.com"}},
		"the parts by themselves":                   {adviceParts{gate: "psa_identify\npsa_policy\npsa_proxy"}, nil},
		"the parts without policy":                  {adviceParts{gate: "psa_identify\npsa_proxy"}, []string{"no-policy: site psa.example.com"}},
		"psa_stepup after psa_signin":               {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_stepup totp\npsa_signin corp\nrespond hi\n}"}, nil},
		"psa_stepup alone":                          {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_stepup /x totp\nrespond hi\n}"}, []string{"no-signin: site people.example.com"}},
		"psa_stepup before psa_signin":              {adviceParts{secrets: issuerStore, after: "people.example.com {\nroute {\npsa_stepup totp\npsa_signin corp\n}\n}"}, []string{"no-signin: site people.example.com"}},
		"psa_stepup in another handle":              {adviceParts{secrets: issuerStore, after: "people.example.com {\nhandle /a/* {\npsa_signin corp\n}\nhandle {\npsa_stepup totp\n}\n}"}, []string{"no-signin: site people.example.com"}},
		"psa_console after psa_signin":              {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_console\npsa_signin corp\n}"}, nil},
		"psa_console with deeds and no audit log":   {adviceParts{secrets: issuerStore + "\npolicy " + people, after: "people.example.com {\npsa_console\npsa_signin corp\n}"}, []string{"deeds-unaudited: site people.example.com"}},
		"psa_console with deeds and an audit log":   {adviceParts{secrets: issuerStore + "\naudit\npolicy " + people, after: "people.example.com {\npsa_console\npsa_signin corp\n}"}, nil},
		"psa_console alone":                         {adviceParts{secrets: issuerStore, after: "people.example.com {\nhandle_path /console/* {\npsa_console\n}\n}"}, []string{"no-signin: site people.example.com"}},
		"psa_web with proxy after psa_signin":       {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_signin corp\npsa_web main proxy\n}"}, nil},
		"psa_web with proxy alone":                  {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_web main proxy\n}"}, []string{"web-open: site people.example.com"}},
		"psa_web that redirects":                    {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_web main\n}"}, nil},
		"two psa_signin, one behind the other":      {adviceParts{secrets: twoIssuers, after: "people.example.com {\npsa_signin corp\npsa_signin /guests/* guests\nrespond hi\n}"}, []string{"signin-issuers: site people.example.com"}},
		"two of one path":                           {adviceParts{secrets: twoIssuers, after: "people.example.com {\n@a path /a/*\nroute {\npsa_signin @a corp\npsa_signin @a guests\n}\n}"}, []string{"signin-issuers: site people.example.com"}},
		"two of other paths":                        {adviceParts{secrets: twoIssuers, after: "people.example.com {\npsa_signin /staff/* corp\npsa_signin /guests/* guests\nrespond hi\n}"}, []string{"signin-issuers: site people.example.com"}},
		"two in handles":                            {adviceParts{secrets: twoIssuers, after: "people.example.com {\nhandle /a/* {\npsa_signin corp\n}\nhandle {\npsa_signin guests\n}\n}"}, nil},
		"two, one narrower, which comes first":      {adviceParts{secrets: twoIssuers, after: "people.example.com {\npsa_signin corp guests\npsa_signin /staff/* corp\nrespond hi\n}"}, []string{"signin-issuers: site people.example.com"}},
		"two, one narrower, in a route":             {adviceParts{secrets: twoIssuers, after: "people.example.com {\nroute {\npsa_signin corp guests\npsa_signin /staff/* corp\nrespond hi\n}\n}"}, nil},
		"two, one of a group":                       {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_signin corp\npsa_signin /admin/* corp {\ngroups admins\n}\nrespond hi\n}"}, []string{"signin-groups: site people.example.com"}},
		"two, one of a group, in a route":           {adviceParts{secrets: issuerStore, after: "people.example.com {\nroute {\npsa_signin corp\npsa_signin /admin/* corp {\ngroups admins\n}\nrespond hi\n}\n}"}, nil},
		"two of more groups":                        {adviceParts{secrets: issuerStore, after: "people.example.com {\npsa_signin corp {\ngroups admins\n}\npsa_signin /admin/* corp {\ngroups admins ops\n}\nrespond hi\n}"}, nil},
		"two of other sites":                        {adviceParts{secrets: twoIssuers, after: "people.example.com {\npsa_signin corp\nrespond hi\n}\nguests.example.com {\npsa_signin guests\nrespond hi\n}"}, nil},
		"people before the gateway":                 {adviceParts{secrets: issuerStore, site: "psa_signin /people/* corp\npsa_stepup /people/* totp\nrespond /people/* hi"}, nil},
		"the parts in handles that exclude another": {adviceParts{gate: "handle /a/* {\npsa_identify\n}\nhandle {\npsa_proxy\n}"}, []string{"no-identify: site psa.example.com"}},

		"a handler that may fail":                            {adviceParts{site: "templates"}, []string{"handler-errors: site psa.example.com"}},
		"forward_auth":                                       {adviceParts{site: "forward_auth 127.0.0.1:9000 {\nuri /auth\n}"}, []string{"handler-errors: site psa.example.com"}},
		"a handler that may fail, deep in routes":            {adviceParts{gate: "route {\nroute {\ntemplates\n}\nhandle {\npsa_gateway\n}\n}"}, []string{"handler-errors: site psa.example.com"}},
		"a handler that may fail, in a named route":          {adviceParts{gate: "invoke gate", before: "&(gate) {\nroute {\ntemplates\npsa_gateway\n}\n}"}, []string{"handler-errors: site psa.example.com"}},
		"it between the two parts":                           {adviceParts{gate: "route {\npsa_identify\ntemplates\npsa_policy\npsa_proxy\n}"}, []string{"handler-errors: site psa.example.com"}},
		"it behind psagate":                                  {adviceParts{gate: "psa_gateway /ATServices*\nreverse_proxy 127.0.0.1:9000"}, nil},
		"it in a handle of its own":                          {adviceParts{gate: "handle /app/* {\nreverse_proxy 127.0.0.1:9000\n}\nhandle {\npsa_gateway\n}"}, nil},
		"it in another site":                                 {adviceParts{after: "other.example.com {\nreverse_proxy 127.0.0.1:9000\n}"}, nil},
		"it where the default log has format psa":            {adviceParts{site: "templates", global: "log {\nformat psa\n}"}, nil},
		"it where a second log takes errors":                 {adviceParts{site: "templates", global: "log {\nformat psa\n}\nlog second {\noutput stderr\ninclude http.log.error.log0\n}"}, []string{"handler-errors: site psa.example.com"}},
		"a handler whose errors blame the caller":            {adviceParts{site: "request_body {\nmax_size 1MB\n}"}, nil},
		"it with debug on":                                   {adviceParts{site: "request_body {\nmax_size 1MB\n}", global: "debug"}, []string{"debug-log: log", "handler-errors: site psa.example.com"}},
		"an expression":                                      {adviceParts{site: "@n `int({http.request.header.X-N}) > 5`\nrespond @n hm"}, []string{"matcher-errors: site psa.example.com"}},
		"an expression where the default log has format psa": {adviceParts{global: "log {\nformat psa\n}", site: "@n `int({http.request.header.X-N}) > 5`\nrespond @n hm"}, nil},
		"a debug log of handlers":                            {adviceParts{global: "log {\nformat psa\n}\nlog x {\nlevel DEBUG\noutput stderr\ninclude http.handlers\n}"}, []string{"debug-log: log"}},
		"debug":                                              {adviceParts{global: "debug"}, []string{"debug-log: log"}},
		"debug with format psa":                              {adviceParts{global: "debug\nlog {\nformat psa\n}"}, nil},
		"harmless handlers":                                  {adviceParts{site: "tracing {\nspan x\n}\nvars a b\nlog_append a b\nheader a b\nrespond /health ok\nmap {path} {a} {\ndefault b\n}"}, nil},

		"handle_path":             {adviceParts{gate: "handle_path /psa/* {\npsa_gateway\n}"}, []string{"rewritten: site psa.example.com"}},
		"method":                  {adviceParts{site: "method GET"}, []string{"rewritten: site psa.example.com"}},
		"uri":                     {adviceParts{site: "uri strip_prefix /x"}, []string{"rewritten: site psa.example.com"}},
		"a body that is replaced": {adviceParts{site: "request_body {\nset x\n}"}, []string{"rewritten: site psa.example.com"}},
		"uri in another handle":   {adviceParts{gate: "handle /x/* {\nuri strip_prefix /x\nrespond hi\n}\nhandle {\npsa_gateway\n}"}, nil},
		"a header with a key":     {adviceParts{gate: "route {\nrequest_header Secret x\npsa_gateway\n}"}, []string{"set-key: site psa.example.com"}},
		"another header":          {adviceParts{gate: "route {\nrequest_header X-Secret x\nrequest_header -Authorization\npsa_gateway\n}"}, nil},

		"trusted proxies before plain HTTP": {adviceParts{address: plainProxy, site: onLoopback, global: serversOption("trusted_proxies static private_ranges")}, []string{"public-url: site psa.example.com"}},
		"and a public_url":                  {adviceParts{address: plainProxy, site: onLoopback, global: serversOption("trusted_proxies static private_ranges"), gate: "psa_gateway {\npublic_url https://psa.example.com\n}"}, nil},
		"trusted proxies before HTTPS":      {adviceParts{global: serversOption("trusted_proxies static private_ranges")}, nil},
		"all proxies trusted":               {adviceParts{global: serversOption("trusted_proxies static 10.0.0.0/8 ::/0")}, []string{"trust-all: site psa.example.com"}},

		"from behind an unknown proxy":           {adviceParts{integration: "from 192.0.2.0/24", address: plainProxy, site: onLoopback}, []string{"trust-missing: site psa.example.com"}},
		"from behind an unknown proxy's socket":  {adviceParts{integration: "from 192.0.2.0/24", address: plainProxy, site: "bind unix//run/site.sock"}, []string{"trust-missing: site psa.example.com"}},
		"a socket and trusted addresses alone":   {adviceParts{integration: "from 192.0.2.0/24", address: plainProxy, site: "bind unix//run/site.sock", global: serversOption("trusted_proxies static private_ranges\ntrusted_proxies_strict"), gate: "psa_gateway {\npublic_url https://psa.example.com\n}"}, []string{"trust-missing: site psa.example.com"}},
		"a socket and trusted_proxies_unix":      {adviceParts{integration: "from 192.0.2.0/24", address: plainProxy, site: "bind unix//run/site.sock", global: serversOption("trusted_proxies_unix\ntrusted_proxies_strict"), gate: "psa_gateway {\npublic_url https://psa.example.com\n}"}, nil},
		"from where the network comes directly":  {adviceParts{integration: "from 192.0.2.0/24"}, nil},
		"from and trust that is not strict":      {adviceParts{integration: "from 192.0.2.0/24", global: serversOption("trusted_proxies static 10.0.0.0/8")}, []string{"trust-lax: site psa.example.com"}},
		"from of a disabled integration":         {adviceParts{integration: "from 192.0.2.0/24\ndisabled", global: serversOption("trusted_proxies static 10.0.0.0/8")}, []string{"disabled: integration itglue"}},
		"from all of IPv4":                       {adviceParts{integration: "from 0.0.0.0/0"}, []string{"from-any: integration itglue"}},
		"from all of IPv6 beside something else": {adviceParts{integration: "from 192.0.2.0/24 ::/0"}, []string{"from-any: integration itglue"}},

		"client_cert without verification":       {adviceParts{integration: "client_cert itglue.example.com"}, []string{"no-verified-client: integration itglue"}},
		"client_cert that is only requested":     {adviceParts{integration: "client_cert itglue.example.com", site: clientAuth("mode request")}, []string{"no-verified-client: integration itglue"}},
		"client_cert that another site verifies": {adviceParts{integration: "client_cert itglue.example.com", after: "other.example.com:8443 {\n" + clientAuth(ca) + "\n}"}, []string{"no-verified-client: integration itglue"}},
		"client_cert that is verified":           {adviceParts{integration: "client_cert itglue.example.com", site: clientAuth("mode verify_if_given\n" + ca)}, nil},
		"client_cert that must be there":         {adviceParts{integration: "client_cert itglue.example.com", site: clientAuth(ca)}, nil},
		"client_cert and SNI that may differ":    {adviceParts{integration: "client_cert itglue.example.com", site: clientAuth(ca), global: serversOption("strict_sni_host insecure_off")}, []string{"sni-off: site psa.example.com"}},
		"client_cert of any public authority":    {adviceParts{integration: "client_cert itglue.example.com", site: clientAuth("mode require_and_verify")}, []string{"client-ca: site psa.example.com"}},

		"a first start":                {adviceParts{made: true}, []string{"key-made: psa", "store-made: psa"}},
		"insecure_log_keys":            {adviceParts{psa: "insecure_log_keys"}, []string{"insecure-log-keys: psa"}},
		"insecure_permissions":         {adviceParts{secrets: "secrets file /s.json {\ninsecure_permissions\n}"}, []string{"insecure-permissions: store file"}},
		"insecure_http":                {adviceParts{login: "hosts 127.0.0.1\ninsecure_http"}, []string{"insecure-http: login main", "extra-hosts: login main"}},
		"insecure_http to Vault":       {adviceParts{integration: keyFrom, secrets: "secrets file /s.json\nsecrets vault http://vault.example.com {\nauth token_file /t\ninsecure_http\n}"}, []string{"insecure-vault: store vault"}},
		"a token from the environment": {adviceParts{integration: keyFrom, secrets: fmt.Sprintf(vaultStore, "token {env.VAULT_TOKEN}", "")}, []string{"fixed-token: store vault"}},
		"a token from a file":          {adviceParts{integration: keyFrom, secrets: fmt.Sprintf(vaultStore, "token {file./t}", "")}, nil},
		"Vault is asked often":         {adviceParts{integration: keyFrom, secrets: fmt.Sprintf(vaultStore, "token_file /t", "poll 500ms")}, []string{"poll-fast: store vault"}},
		"a file is read often":         {adviceParts{secrets: "secrets file /s.json {\npoll 500ms\n}"}, nil},
		"a short max_stale":            {adviceParts{secrets: "secrets file /s.json {\nmax_stale 30s\n}"}, []string{"max-stale-short: store file"}},
		"a long max_stale":             {adviceParts{secrets: "secrets file /s.json {\nmax_stale 25h\n}"}, []string{"max-stale-long: store file"}},
		"max_stale at its edges":       {adviceParts{secrets: "secrets file /s.json {\nmax_stale 24h\n}"}, nil},
		"a store that is read for alerts alone": {adviceParts{
			secrets: fmt.Sprintf(vaultStore, "token_file /t", ""), psa: "alerts {\nwebhook secret vault alerts/chat\n}",
		}, nil},
		"a mailbox with all that it needs": {adviceParts{
			secrets: fmt.Sprintf(vaultStore, "token_file /t", ""), psa: "mail support {\nimap imap.example.com:993 {\nlogin support secret vault mail/support\n}\nsmtp 127.0.0.1:2525\nalias support@example.com\ndefault {\ncompany 0\nqueue Triage\n}\n}",
		}, nil},
		"a mailbox that says nothing":            {adviceParts{psa: "mail support"}, []string{"mail-no-source: mail support", "mail-no-company: mail support", "mail-no-queue: mail support"}},
		"a mailbox whose aliases say it":         {adviceParts{psa: "mail support {\nsmtp [::1]:2525\nalias support@example.com {\ncompany 5\nqueue 8\n}\n}"}, nil},
		"a mailbox for the world":                {adviceParts{psa: "mail support {\nsmtp :25\nalias support@example.com {\ncompany 5\nqueue 8\n}\n}"}, []string{"mail-no-tls: mail support", "mail-from-anywhere: mail support"}},
		"a mailbox that calls as an integration": {adviceParts{psa: "mail support {\nas itglue\nsmtp 127.0.0.1:25\nalias support@example.com {\ncompany 5\nqueue 8\n}\n}"}, []string{"mail-denied: mail support"}},
		"a login that only a mailbox uses":       {adviceParts{integration: "login main", psa: "login second {\nsecret file autotask/second\n}\nmail support {\nlogin second\nsmtp 127.0.0.1:25\nalias support@example.com {\ncompany 5\nqueue 8\n}\n}"}, nil},
		"a store that is read by nobody":         {adviceParts{secrets: fmt.Sprintf(vaultStore, "token_file /t", "")}, []string{"unused-store: store vault"}},
		"a store that opens another":             {adviceParts{integration: keyFrom, secrets: fmt.Sprintf(vaultStore, "approle r secret opener vault/id", "") + "\nsecrets opener file /o.json"}, nil},
		"a file below a web root":                {adviceParts{secrets: "secrets file /srv/www/psa/s.json", after: "www.example.com {\nroot /srv/www\nfile_server\n}"}, []string{"web-root: store file"}},
		"a file below a file_server's own root":  {adviceParts{secrets: "secrets file /srv/www/psa/s.json", after: "www.example.com {\nhandle /x/* {\nfile_server {\nroot /srv/www/\n}\n}\n}"}, []string{"web-root: store file"}},
		"a file below the root of an error page": {adviceParts{secrets: "secrets file /srv/www/psa/s.json", after: "www.example.com {\nhandle_errors {\nroot /srv/www\nfile_server\n}\n}"}, []string{"web-root: store file"}},
		"a file beside a web root":               {adviceParts{secrets: "secrets file /srv/www2/s.json", after: "www.example.com {\nroot /srv/www\nfile_server\n}"}, nil},
		"a root that serves no files":            {adviceParts{secrets: "secrets file /srv/www/s.json", after: "www.example.com {\nroot /srv/www\nrespond hi\n}"}, nil},

		"observe":                        {adviceParts{login: "lockout 7 {\nobserve\n}"}, []string{"observe: login main"}},
		"further hosts":                  {adviceParts{login: "hosts sandbox.example.com"}, []string{"extra-hosts: login main"}},
		"an audit log that loses files":  {adviceParts{psa: "audit {\noutput file /tmp/audit.log\nrequired\n}"}, []string{"audit-compressed: audit"}},
		"an audit log that keeps them":   {adviceParts{psa: "audit {\noutput file /tmp/audit.log {\nroll_uncompressed\n}\nrequired\n}"}, nil},
		"one that does not rotate":       {adviceParts{psa: "audit {\noutput file /tmp/audit.log {\nroll_disabled\n}\nrequired\n}"}, nil},
		"one that nobody requires":       {adviceParts{psa: "audit"}, nil},
		"a pinned zone":                  {adviceParts{login: "zone https://webservices5.autotask.net"}, []string{"zone-pinned: login main"}},
		"an early recheck":               {adviceParts{login: "lockout 7 {\nrecheck 4m59s\n}"}, []string{"recheck-short: login main"}},
		"a recheck at its edge":          {adviceParts{login: "lockout 7 {\nrecheck 5m\n}"}, nil},
		"a short linger":                 {adviceParts{login: "lockout 7 {\nlinger 29s\n}"}, []string{"linger-short: login main"}},
		"a long wait":                    {adviceParts{login: "queue 256 61s"}, []string{"deadline-long: login main"}},
		"a wait at its edge":             {adviceParts{login: "queue 256 1m"}, nil},
		"one call at a time for four":    {adviceParts{login: "lockout 7 {\nin_flight 1\n}", psa: moreIntegrations(3, "")}, []string{"in-flight-one: login main"}},
		"one call at a time for three":   {adviceParts{login: "lockout 7 {\nin_flight 1\n}", psa: moreIntegrations(2, "")}, nil},
		"a login that nobody uses":       {adviceParts{integration: "login main", psa: "login second {\nsecret file autotask/second\n}"}, []string{"unused-login: login second"}},
		"logins that are used by a pool": {adviceParts{integration: "login crew", psa: "pool crew main second\nlogin second {\nsecret file autotask/second\n}"}, nil},
		"a pool that nobody uses":        {adviceParts{integration: "login main", psa: "pool crew main second\nlogin second {\nsecret file autotask/second\n}\n" + moreIntegrations(1, "login second")}, []string{"unused-pool: pool crew"}},
		"a pool of one login":            {adviceParts{integration: "login crew", psa: "pool crew main"}, []string{"pool-of-one: pool crew"}},
		"a pool's callers share one":     {adviceParts{integration: "login crew", login: "lockout 7 {\nin_flight 1\n}", psa: "pool crew main second\nlogin second {\nsecret file autotask/second\n}\n" + moreIntegrations(3, "login crew")}, []string{"in-flight-one: login main"}},
		"two logins of one record":       {adviceParts{integration: "login main", psa: "login second {\nsecret file autotask/main\n}\n" + moreIntegrations(1, "login second")}, []string{"same-record: login main, login second"}},

		"no owner":          {adviceParts{noOwner: true}, []string{"no-owner: integration itglue"}},
		"expired yesterday": {adviceParts{integration: "expires 2026-03-03"}, []string{"expired: integration itglue"}},
		"expires today":     {adviceParts{integration: "expires 2026-03-04"}, []string{"expires-soon: integration itglue"}},
		"expires in 29 days, later ones after it": {adviceParts{integration: "expires 2026-04-02", psa: moreIntegrations(1, "expires 2026-03-10T08:00:00Z")}, []string{"expires-soon: integration more0, integration itglue"}},
		"expires in 30 days":                      {adviceParts{integration: "expires 2026-04-03T12:00:00Z"}, nil},
		"disabled, and nothing else is said":      {adviceParts{noOwner: true, integration: "disabled\nimpersonate\nclient_cert a.example.com\nexpires 2026-03-03\nfrom 0.0.0.0/0\n" + twoKeys}, []string{"disabled: integration itglue"}},
		"own secrets from a network":              {adviceParts{integration: "passthrough alice@example.com\nfrom 192.0.2.0/24"}, []string{"passthrough-wide: integration itglue"}},
		"own secrets from an address":             {adviceParts{integration: "passthrough alice@example.com\nfrom 192.0.2.7"}, nil},
		"three keys":                              {adviceParts{integration: twoKeys}, []string{"many-keys: integration itglue"}},
		"two keys":                                {adviceParts{integration: strings.Split(twoKeys, "\n")[0]}, nil},
		"impersonate":                             {adviceParts{integration: "impersonate"}, []string{"impersonate: integration itglue"}},
		"the same of many":                        {adviceParts{integration: "impersonate", psa: moreIntegrations(2, "impersonate")}, []string{"impersonate: integration itglue, integration more0, integration more1"}},
	}
}

func TestWhatIsUnwiseIsSaid(t *testing.T) {
	t.Setenv("PSAGATE_TEST_ADMIN", "0.0.0.0:2019")
	for name, c := range adviceCases(t) {
		t.Run(name, func(t *testing.T) {
			before := madeNow
			madeNow = func() (bool, bool) { return c.parts.made, c.parts.made }
			t.Cleanup(func() { madeNow = before })
			warnings := advised(t, mustAdapt(t, c.parts.text()))
			if got := adviceKinds(warnings); !slices.Equal(got, c.want) {
				t.Errorf("said:\n%s\nwant:\n%s\nof:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"), c.parts.text())
			}
			for _, w := range warnings {
				checkWarning(t, w)
			}
		})
	}
}

// checkWarning looks at a warning's texts.
func checkWarning(t *testing.T, w report.Warning) {
	t.Helper()
	if w.What == "" || strings.Contains(w.What, "%!") || strings.HasSuffix(w.What, ".") {
		t.Errorf("%s: what is %q", w.Kind, w.What)
	}
	if !strings.HasSuffix(w.Do, ".") {
		t.Errorf("%s: do is %q", w.Kind, w.Do)
	}
	if strings.Contains(w.What+w.Do, hash1[7:]) {
		t.Errorf("%s shows a hash", w.Kind)
	}
}

// A word that no case has is one that nobody has seen to be said.
func TestEveryKindOfWarningHasACase(t *testing.T) {
	said := []string{"admin-remote"} // only JSON can turn it on
	for _, c := range adviceCases(t) {
		for _, want := range c.want {
			kind, _, _ := strings.Cut(want, ":")
			said = append(said, kind)
		}
	}
	for kind := range adviceTexts {
		if !slices.Contains(said, kind) {
			t.Errorf("no case has the kind %s", kind)
		}
	}
	for _, kind := range said {
		if _, ok := adviceTexts[kind]; !ok {
			t.Errorf("%s is no kind", kind)
		}
	}
}

// JSON can say what no Caddyfile does.
func TestWhatIsUnwiseInJSONIsSaid(t *testing.T) {
	const (
		route = `{"match":[{"host":["psa.example.com"]}],"handle":[{"handler":"psa_identify"},{"handler":"psa_policy"},{"handler":"psa_proxy"}]}`
		admin = `"admin":{"listen":"unix//run/admin.sock|0600"%s},`
		apps  = `"apps":{"psa":{},"http":{"servers":{"s":{"listen":[":443"],%s}}}}`
	)
	for name, c := range map[string]struct{ admin, server, want string }{
		"remote administration":           {`,"identity":{"identifiers":["a.example.com"]},"remote":{"listen":":2021"}`, `"routes":[` + route + `]`, "admin-remote: admin"},
		"routes that are not terminal":    {"", `"routes":[{"handle":[{"handler":"templates"}]},` + route + `]`, "handler-errors: site psa.example.com"},
		"a terminal route before":         {"", `"routes":[{"terminal":true,"match":[{"path":["/x"]}],"handle":[{"handler":"templates"}]},` + route + `]`, ""},
		"a group of routes":               {"", `"routes":[{"group":"g","match":[{"path":["/x"]}],"handle":[{"handler":"templates"}]},{"group":"g",` + route[1:] + `]`, ""},
		"two groups of routes":            {"", `"routes":[{"group":"f","match":[{"path":["/x"]}],"handle":[{"handler":"templates"}]},{"group":"g",` + route[1:] + `]`, "handler-errors: site psa.example.com"},
		"named routes in a circle":        {"", `"named_routes":{"n":{"handle":[{"handler":"invoke","name":"n"}]}},"routes":[{"handle":[{"handler":"invoke","name":"n"}]},` + route + `]`, ""},
		"a named route that is not there": {"", `"routes":[{"handle":[{"handler":"invoke","name":"n"}]},` + route + `]`, ""},
		"a port that is always plain":     {"", `"tls_connection_policies":[{}],"listen":[":443",":80"],"routes":[` + route + `]`, "plain-http: site psa.example.com"},
		"several plain ports":             {"", `"automatic_https":{"disable":true},"listen":[":8080","[::1]:8080","tcp/192.0.2.1:9000-9001"],"routes":[` + route + `]`, "plain-http: site psa.example.com"},
		"no server":                       {"", `"routes":[]`, "no-site: psa"},
	} {
		t.Run(name, func(t *testing.T) {
			config := "{" + fmt.Sprintf(admin, c.admin) + fmt.Sprintf(apps, c.server) + "}"
			config = strings.Replace(config, `"listen":[":443"],"tls`, `"tls`, 1)
			config = strings.Replace(config, `"listen":[":443"],"auto`, `"auto`, 1)
			if got := strings.Join(adviceKinds(advised(t, []byte(config))), "; "); got != c.want {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheHandlerAndAllPlainAddressesAreNamed(t *testing.T) {
	warnings := advised(t, mustAdapt(t, adviceParts{address: "http://psa.example.com", site: "bind 192.0.2.1 192.0.2.2 127.0.0.1\ntemplates"}.text()))
	var text string
	for _, w := range warnings {
		text += w.What + "\n"
	}
	for _, want := range []string{"over plain HTTP on 192.0.2.1:80, 192.0.2.2:80:", "the handler templates"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing from\n%s", want, text)
		}
	}
}

func TestAConfigWithoutAnHTTPAppHasNoSite(t *testing.T) {
	got := adviceKinds(advised(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{}}}`)))
	if want := []string{"admin-off: admin", "no-site: psa"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestMailAloneTakesNoSite(t *testing.T) {
	for psa, want := range map[string]bool{
		`{"mail":{"support":{}}}`: false,
		`{"mail":{"support":{}},"integrations":{"itglue":{"keys":["sha256:6f1b0c8e2d4a9f735e1c6b80d2a4f7931c5e8b0a6d2f4c7e9b1a3d5f7082c4e6"]}}}`: true,
	} {
		config := `{"admin":{"disabled":true},"apps":{"psa":` + strings.Replace(psa, "{", `{"secrets":{"file":{"kind":"file","path":"x"}},"logins":{"main":{"secret":{"store":"file","path":"y"}}},`, 1) + `}}`
		if got := adviceKinds(advised(t, []byte(config))); slices.Contains(got, "no-site: psa") != want {
			t.Errorf("%s: said %q", psa, got)
		}
	}
}

func TestWhatCannotBeSeenIsSaid(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	app := &App{Integrations: map[string]*Integration{"itglue": {}}}
	got := adviceKinds(advise(ctx, app, noon))
	if want := []string{"unseen: config", "no-owner: integration itglue"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// makeRunning makes a config the one that Caddy runs, for the admin endpoint.
func makeRunning(t *testing.T, p adviceParts) {
	t.Helper()
	ctx, before := provisioned(t, mustAdapt(t, p.text())), runningContext
	runningContext = func() caddy.Context { return ctx }
	t.Cleanup(func() { runningContext = before })
}

func TestTheAdminEndpointTellsWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		parts adviceParts
		want  string
	}{
		"none": {adviceParts{}, `{"warnings":[]}`},
		"one":  {adviceParts{noOwner: true}, `{"warnings":[{"kind":"no-owner","where":["integration itglue"],"what":"nobody is named who answers for it","do":"Write ` + "`owner \\u003cmail address\\u003e`" + `: whoever sees its failures needs to know whom to ask."}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			makeRunning(t, c.parts)
			var got, want any
			server := admin{running(t, new(fake))}
			if err := server.get("warnings", &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
}

// Warnings are shown with whatever is checked, and leave the exit status alone.
func TestCheckPrintsWarningsFirst(t *testing.T) {
	unwise := adviceParts{admin: "none", noOwner: true, address: "http://psa.example.com", psa: moreIntegrations(7, "impersonate"), integration: "expires 2026-03-03"}
	for name, c := range map[string]struct {
		args  string
		parts adviceParts
		fails string
	}{
		"check-warnings":       {"check", unwise, ""},
		"check-warnings-one":   {"check second", unwise, "main"},
		"check-warnings-json":  {"check second --json", adviceParts{noOwner: true}, ""},
		"check-warnings-fails": {"check", unwise, "main"},
		"check-two-names":      {"check main second", unwise, ""},
	} {
		t.Run(name, func(t *testing.T) {
			makeRunning(t, c.parts)
			address := running(t, &fake{checkFails: c.fails})
			got := run(t, append(strings.Fields(c.args), "--address", address)...)
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", c.args, got.out, got.err, got.status)
			golden(t, "testdata/command/"+name+".golden", strings.ReplaceAll(text, address, "<address>"))
		})
	}
}
