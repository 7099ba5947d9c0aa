package e2e

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"

	"github.com/psagate/psagate/internal/vaulttest"
)

// The account and the audience that the example for Kubernetes names.
const account, namespace, audience = "psagate", "psagate", "vault"

// cluster is as much of Kubernetes as Vault asks. Unlike [vaulttest.Cluster] it has the account of an example, and tokens
// for an audience, which the API server takes only for that one.
type cluster struct {
	*example
	api    *httptest.Server
	issuer *vaulttest.Issuer

	mu    sync.Mutex
	token string // the one that is good now
	made  int
	good  map[string]bool // tokens that were reviewed and good
}

// newCluster makes a cluster whose first token is in its file.
func newCluster(e *example) *cluster {
	e.Helper()
	c := &cluster{example: e, issuer: vaulttest.NewIssuer(e.T), good: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", c.review)
	c.api = httptest.NewTLSServer(mux)
	e.Cleanup(c.api.Close)
	c.renew()
	return c
}

// config is how Vault reaches the API server from outside the cluster.
func (c *cluster) config() map[string]any {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.api.Certificate().Raw})
	return map[string]any{"kubernetes_host": c.api.URL, "kubernetes_ca_cert": string(ca), "disable_local_ca_jwt": true}
}

// renew makes a new token; the one before it is refused from now on.
func (c *cluster) renew() {
	c.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	c.token = c.issuer.Sign(map[string]any{
		"iss": "https://kubernetes.default.svc.cluster.local", "aud": []string{audience}, "jti": strconv.Itoa(c.made),
		"sub": "system:serviceaccount:" + namespace + ":" + account,
		"kubernetes.io": map[string]any{
			"namespace": namespace, "serviceaccount": map[string]any{"name": account, "uid": "5f3b1d3e-7c0f-4b63-9d61-0a4f5c3a9b11"},
		},
	})
	c.keepToken(c.token)
}

// reviewed is how many tokens were found good.
func (c *cluster) reviewed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.good)
}

// review answers a TokenReview as the API server does.
func (c *cluster) review(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Spec struct {
			Token     string   `json:"token"`
			Audiences []string `json:"audiences"`
		} `json:"spec"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	status := map[string]any{"authenticated": false}
	if asked.Spec.Token == c.token && slices.Contains(asked.Spec.Audiences, audience) {
		c.good[c.token] = true
		status = map[string]any{"authenticated": true, "audiences": []string{audience}, "user": map[string]any{
			"username": "system:serviceaccount:" + namespace + ":" + account, "uid": "5f3b1d3e-7c0f-4b63-9d61-0a4f5c3a9b11",
		}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": status})
}
