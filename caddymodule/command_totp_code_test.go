package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/vaulttest"
)

const (
	sharedSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // of RFC 6238, appendix B
	codeAt59   = "287082"                           // of the 59th second
)

// withCodes is a Caddy whose logins have codes, as stores and logins say.
func withCodes(t *testing.T, stores, logins string) *signInSite {
	t.Helper()
	s := newSite(t)
	s.hidden = []string{sharedSeed, codeAt59}
	s.file("Caddyfile", fmt.Sprintf(`{
	admin unix/%s
	persist_config off
	log {
		format psa
	}
	psa {
%s
%s
		audit {
			output file %s
			required
		}
	}
}

%s {
	respond /open "open"
}
`, s.path("admin"), stores, logins, s.path("audit.log"), s.at))
	return s
}

// code runs the command, without a config where that is empty.
func (s *signInSite) code(args ...string) result {
	s.Helper()
	return run(s.T, append([]string{"totp", "code"}, args...)...)
}

func (s *signInSite) address() string { return "unix/" + s.path("admin") }

// shown are the logins whose codes the audit log says were shown. It must hold neither codes nor seeds.
func (s *signInSite) shown(codes ...string) (logins []string) {
	s.Helper()
	text, err := os.ReadFile(s.path("audit.log"))
	if err != nil {
		s.Fatal(err)
	}
	for e, err := range audit.Entries(bytes.NewReader(text)) {
		if err != nil {
			s.Fatal(err)
		}
		if e.Event == eventCodeShown {
			logins = append(logins, e.Login)
			if e.CallerKind != audit.Operator {
				s.Errorf("%+v", e)
			}
		}
	}
	for _, secret := range append(codes, s.hidden...) {
		if bytes.Contains(text, []byte(`"`+secret)) {
			s.Errorf("the audit log has %q", secret)
		}
	}
	return logins
}

func TestOneTimeCodesAreShownOnceThatIsWrittenDown(t *testing.T) {
	before := codeClock
	codeClock = func() time.Time { return time.Unix(59, 0) }
	t.Cleanup(func() { codeClock = before })
	s := withCodes(t, "\t\tsecrets file {file}", `		login main {
			secret file autotask/main
			totp secret file autotask/main
		}
		login other {
			secret file autotask/main
			totp secret file autotask/other otp
		}
		login bad {
			secret file autotask/main
			totp secret file autotask/bad
		}
		login none {
			secret file autotask/main
		}`)
	s.file("secrets.json", `{"autotask/main": {"username": "x", "secret": "y", "totp_seed": "`+sharedSeed+`"},
		"autotask/other": {"otp": "otpauth://totp/x?digits=8&secret=`+sharedSeed+`"}, "autotask/bad": {"totp_seed": "hunter2!"}}`)
	config, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	s.file("Caddyfile", strings.Replace(string(config), "{file}", s.path("secrets.json"), 1))
	s.run()
	byConfig := []string{"--config", s.path("Caddyfile"), "--adapter", "caddyfile"}
	if got := s.code("main", "--address", s.address()); got.out != codeAt59+"\n" || got.status != exitYes || !strings.Contains(got.err, "for 1 more seconds\n") {
		t.Errorf("%+v", got)
	}
	var shown shownCode
	got := s.code(append(byConfig, "other", "--json")...)
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil || shown != (shownCode{Login: "other", Code: "94" + codeAt59, SecondsLeft: 1, Audited: true}) {
		t.Errorf("%v: %+v", err, got)
	}
	for args, want := range map[string]string{
		"none": "the config does not say where", "third": "there is none of that name; defined: bad, main, none, other", "bad": `field "totp_seed" is no base32`, "": "it takes <login>",
	} {
		got := s.code(append(strings.Fields(args), "--address", s.address())...)
		if got.out != "" || got.status == exitYes || !strings.Contains(got.err, want) || strings.Contains(got.err, "hunter2") {
			t.Errorf("%q: %+v", args, got)
		}
	}
	s.stop()
	if got := s.code(append(byConfig, "main")...); got.out != "" || got.status != exitNo || !strings.Contains(got.err, "nobody can write down that the code is shown") {
		t.Errorf("without a server: %+v", got)
	}
	if got := s.code(append(byConfig, "main", "--unaudited")...); got.out != codeAt59+"\n" || got.status != exitYes || !strings.Contains(got.err, "nobody has written down") {
		t.Errorf("unaudited: %+v", got)
	}
	if got := strings.Join(s.shown(), " "); got != "main other" {
		t.Errorf("the audit log says that codes of %q were shown", got)
	}
}

func TestCodesOfARealVaultAreShown(t *testing.T) {
	v := vaulttest.Start(t)
	v.TOTP("totp", "autotask", map[string]any{"key": sharedSeed, "issuer": "Autotask", "account_name": "x"})
	v.Put("autotask/reports", map[string]any{"username": "x", "totp_seed": sharedSeed})
	token := v.Token([]string{v.Policy("codes", `path "totp/+/autotask" { capabilities = ["read"] } path "kv/data/autotask/*" { capabilities = ["read"] } path "kv/metadata/autotask/*" { capabilities = ["read"] }`)}, time.Hour)
	s := withCodes(t, "\t\tsecrets vault "+v.URL+" {\n\t\t\tauth token_file {env.PSAGATE_TEST_DIR}/token\n\t\t}", `		login main {
			secret vault autotask/reports
			totp engine vault totp/autotask
		}
		login reports {
			secret vault autotask/reports
			totp secret vault autotask/reports
		}`)
	t.Setenv("PSAGATE_TEST_DIR", s.dir)
	s.file("token", token)
	s.run()
	for try := 1; ; try++ { // between two periods they differ
		engine, record := s.code("main", "--address", s.address()), s.code("reports", "--address", s.address())
		if engine.status != exitYes || record.status != exitYes || len(engine.out) != len(codeAt59)+1 || !strings.Contains(engine.err, " more seconds") {
			t.Fatalf("%+v\n%+v", engine, record)
		}
		s.hidden = append(s.hidden, strings.TrimSpace(engine.out))
		if engine.out == record.out {
			break
		}
		if try == 3 {
			t.Fatalf("Vault's engine says %q, and ours of the same seed %q", engine.out, record.out)
		}
	}
	if got := s.shown(); len(got) < 2 || got[0] != "main" || got[1] != "reports" {
		t.Errorf("the audit log says that codes of %q were shown", got)
	}
}
