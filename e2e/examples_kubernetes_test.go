package e2e

import (
	"context"
	"net"
	"os"
	"path/filepath"
)

// serviceToken is the file in which the kubelet keeps the service account's token.
const serviceToken = "service-account-token"

// vaultKubernetes follows its header in a cluster that this test is. Then psagate has to sign in to Vault anew, with the
// token that the kubelet has renewed meanwhile.
func (e *example) vaultKubernetes() {
	vaults := e.authority("vaults")
	e.withVault(vaults)
	cluster := newCluster(e)
	operator{e, filepath.Join(e.folder, "Caddyfile"), map[string]map[string]any{"auth/kubernetes/config": cluster.config()}}.followsTheHeader()
	e.integration("itglue", newKey(e.T))
	e.vault.Put("autotask/main", credential(user, oldPassword))
	e.vault.Put("psagate/keys/itglue", hashes(e.keys["itglue"]))

	_, port, _ := net.SplitHostPort(e.address)
	inside := door{e.certified(e.public, nil, ""), "https://localhost:" + port}
	cert, key := e.public.Server("localhost")
	e.write("tls.crt", exampleText(e.T, cert))
	e.write("tls.key", exampleText(e.T, key))
	e.set("VAULT_JWT="+e.path(serviceToken), "VAULT_CACERT="+vaults.File, "TLS_DIRECTORY="+e.dir, "PSAGATE_SITE="+inside.base)
	e.serve(inside, "psagate/keys/itglue")
	if a := e.through(inside, "itglue", "/Tickets/1"); !a.ticket() {
		e.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
	e.turnsAway(inside, "nobody")
	e.isWell([]string{"login main: serving", "version 1 serves", "5 of 5 free", "store vault (vault): 2 records in use", "signed in until"})
	e.signsInAnew(cluster, inside)
}

// signsInAnew ends psagate's sign-in at Vault and the life of the token that it was for. The next refusal by the PSA has
// psagate look into Vault, for which it needs another.
func (e *example) signsInAnew(cluster *cluster, inside door) {
	e.Helper()
	cluster.renew()
	if err := e.vault.Client().Sys().RevokePrefixWithContext(context.Background(), "auth/kubernetes/login"); err != nil {
		e.Fatal(err)
	}
	e.vault.Put("autotask/main", credential(user, newPassword))
	e.user.SetSecret(newPassword)
	if a := e.through(inside, "itglue", "/Tickets/1"); !a.ticket() {
		e.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
	if n := cluster.reviewed(); n != 2 {
		e.Errorf("Vault had %d tokens reviewed that were good, want the two", n)
	}
	e.says("status", 0, "version 2 serves", "signed in until")
	e.unharmed(2)
}

// keepToken writes a token to its file all at once, as the kubelet does.
func (e *example) keepToken(token string) {
	e.Helper()
	e.hide("a service account's token", token)
	e.mayHold = append(e.mayHold, serviceToken)
	e.write(serviceToken+".new", token)
	if err := os.Rename(e.path(serviceToken+".new"), e.path(serviceToken)); err != nil {
		e.Fatal(err)
	}
}
