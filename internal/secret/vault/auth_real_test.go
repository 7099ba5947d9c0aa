//go:build unix

package vault

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/psagate/psagate/internal/vaulttest"
)

// tokenRequest asks for a token that may not look itself up.
func tokenRequest(policy string) *api.TokenCreateRequest {
	return &api.TokenCreateRequest{Policies: []string{policy}, TTL: "1h", NoDefaultPolicy: true, NoParent: true}
}

// holder writes what a file is to hold.
type holder struct {
	t    *testing.T
	path string
}

func (h holder) hold(text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path, []byte(text+"\n"), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func TestEachWayToSignInWorksAgainstARealVaultAndSignsInAgain(t *testing.T) {
	ca := vaulttest.NewCA(t, t.TempDir())
	v := vaulttest.Start(t, vaulttest.HTTPS(ca))
	v.Put("a", record("login-one"))
	policies := []string{v.Policy("all", readAll)}
	text := &rotating{text: v.Token(policies, time.Hour)}
	file := holder{t, t.TempDir() + "/token"}
	file.hold(v.Token(policies, time.Hour))
	role, id := v.AppRole("r", policies, time.Hour, 0)
	cluster, pod := v.Kubernetes("r", policies, time.Hour), holder{t, t.TempDir() + "/jwt"}
	pod.hold(cluster.JWT())
	issuer, jwt := v.JWT("r", policies, time.Hour), holder{t, t.TempDir() + "/jwt"}
	jwt.hold(issuer.Sign(nil))
	v.Cert("r", ca, policies, time.Hour)
	cert, key := ca.Client("psagate")

	for _, test := range []struct {
		auth   Auth
		rotate func() // what may be rotated is, before the next sign-in
	}{
		{Auth{Method: "token", Secret: text.get}, func() { text.set(v.Token(policies, time.Hour)) }},
		{Auth{Method: "token_file", Path: file.path}, func() { file.hold(v.Token(policies, time.Hour)) }},
		{Auth{Method: "approle", Role: role, Secret: is(id)}, func() {}},
		{Auth{Method: "kubernetes", Role: "r", Path: pod.path}, func() { pod.hold(cluster.Renew()) }},
		{Auth{Method: "jwt", Role: "r", Path: jwt.path}, func() { jwt.hold(issuer.Sign(map[string]any{"jti": "2"})) }},
		{Auth{Method: "cert", Certificate: cert, Key: key}, func() {}},
		{Auth{Method: "cert", Role: "r", Certificate: cert, Key: key}, func() {}},
	} {
		t.Run(strings.TrimSpace(test.auth.Method+" "+test.auth.Role), func(t *testing.T) {
			s := newSource(t, Config{Address: v.URL, CA: ca.File, Auth: test.auth}, new(notes))
			mustRead(t, s)
			if st := s.Session(); !st.SignedIn || st.Method != test.auth.Method || st.Expires.Sub(st.Since) < 59*time.Minute {
				t.Errorf("session: %+v", st)
			}
			held, _ := s.session.current()
			test.rotate()
			v.RevokeToken(held.text.Reveal())
			mustRead(t, s)
			if now, _ := s.session.current(); now.number != 2 || now.text.Equal(held.text) {
				t.Errorf("it goes on with the dead token (sign-in %d)", now.number)
			}
		})
	}
}

func TestASignInThatARealVaultRefusesIsExplained(t *testing.T) {
	ca := vaulttest.NewCA(t, t.TempDir())
	v := vaulttest.Start(t, vaulttest.HTTPS(ca))
	policies := []string{v.Policy("all", readAll)}
	role, id := v.AppRole("r", policies, time.Hour, 0)
	v.Kubernetes("r", policies, time.Hour)
	v.JWT("r", policies, time.Hour)
	v.Cert("r", ca, policies, time.Hour)
	stranger := vaulttest.NewIssuer(t).Sign(nil)
	file := holder{t, t.TempDir() + "/jwt"}
	file.hold(stranger)
	cert, key := vaulttest.NewCA(t, t.TempDir()).Client("stranger")
	for name, test := range map[string]struct {
		auth Auth
		want string
	}{
		"a secret id that is wrong":     {Auth{Method: "approle", Role: role, Secret: is(planted)}, "(invalid secret id): check the role id"},
		"a role id that is wrong":       {Auth{Method: "approle", Role: "nobody", Secret: is(id)}, "(invalid role ID)"},
		"an auth method at no mount":    {Auth{Method: "approle", Mount: "none", Role: role, Secret: is(id)}, `is the auth method mounted at "none"?`},
		"a JWT of another issuer":       {Auth{Method: "jwt", Role: "r", Path: file.path}, "check role \"r\" and the JWT in " + file.path},
		"a role of jwt that is none":    {Auth{Method: "jwt", Role: "x", Path: file.path}, `role "x"`},
		"a JWT that Kubernetes refuses": {Auth{Method: "kubernetes", Role: "r", Path: file.path}, "check role \"r\" and the JWT in " + file.path},
		"a certificate of a stranger":   {Auth{Method: "cert", Certificate: cert, Key: key}, "check that a certificate role fits"},
	} {
		log := new(notes)
		s := newSource(t, Config{Address: v.URL, CA: ca.File, Auth: test.auth}, log)
		_, err := s.Read(t.Context(), "a")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
			continue
		}
		for _, hidden := range []string{planted, id, stranger} {
			if strings.Contains(err.Error()+s.Session().Error+log.String(), hidden) {
				t.Errorf("%s: a secret is shown", name)
			}
		}
	}
	s := newSource(t, Config{Address: v.URL, Auth: Auth{Method: "approle", Role: role, Secret: is(id)}}, new(notes))
	if _, err := s.Read(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "set `ca`") {
		t.Errorf("without the authority: %v", err)
	}
}

func TestVaultCountsWrongSecretIDsAlone(t *testing.T) {
	s := newSession(Config{Auth: Auth{Method: "approle"}}, nil)
	for body, want := range map[string]bool{
		`{"errors":["invalid secret id"]}`:                                            true,
		`{"errors":["invalid role or secret ID"]}`:                                    true, // as newer ones say
		`{"errors":["invalid role ID"]}`:                                              false,
		`{"errors":["source address unauthorized by CIDR restrictions on the role"]}`: false,
	} {
		if got := s.refusedBy(answer{status: 400, body: []byte(body)}); got.counted != want {
			t.Errorf("%s: counted: %v", body, got.counted)
		}
	}
}

// The fact that the pauses after a refusal of approle's rest on: a wrong secret id locks others out.
func TestARealVaultLocksARoleIDWhoseSecretIDsAreWrong(t *testing.T) {
	v := vaulttest.Start(t)
	role, id := v.AppRole("r", []string{v.Policy("all", readAll)}, time.Hour, 0)
	v.Put("a", map[string]any{"secret": "x"})
	for range 5 {
		s := newSource(t, Config{Address: v.URL, Auth: Auth{Method: "approle", Role: role, Secret: is(planted)}}, new(notes))
		if _, err := s.Read(t.Context(), "a"); err == nil {
			t.Fatal("a wrong secret id was taken")
		}
	}
	s := newSource(t, Config{Address: v.URL, Auth: Auth{Method: "approle", Role: role, Secret: is(id)}}, new(notes))
	if _, err := s.Read(t.Context(), "a"); err == nil {
		t.Error("the right secret id is taken after five wrong ones: the pauses may be shorter")
	} else if strings.Contains(err.Error(), id) {
		t.Error("the error shows the secret id")
	} else {
		t.Logf("locked: %v", err)
	}
}
