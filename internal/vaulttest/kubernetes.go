package vaulttest

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// ServiceAccount and Namespace are who a JWT of a [Cluster] speaks for.
const (
	ServiceAccount = "psagate"
	Namespace      = "psa"
)

// apiServer is what a cluster calls itself: the issuer and the audience of its JWTs.
const apiServer = "https://kubernetes.default.svc.cluster.local"

const serviceAccountUID = "5f3b1d3e-7c0f-4b63-9d61-0a4f5c3a9b11"

// Cluster is as much of a Kubernetes cluster as Vault's auth method kubernetes asks: the API server's TokenReview. It
// accepts one JWT of one service account at a time.
type Cluster struct {
	// URL is the API server's base URL, HTTPS.
	URL string

	issuer *Issuer
	server *httptest.Server
	mu     sync.Mutex
	jwt    string // the one that is accepted; empty: none
	count  int    // of JWTs made
}

// Kubernetes starts a cluster, and writes a role of the auth method kubernetes for its service account. The tokens live ttl,
// in whole seconds. All roles of one Vault have the cluster of the last call.
func (v *Vault) Kubernetes(role string, policies []string, ttl time.Duration) *Cluster {
	v.t.Helper()
	c := newCluster(v.t)
	v.EnableAuth("kubernetes")
	v.write("auth/kubernetes/config", map[string]any{
		"kubernetes_host":      c.URL,
		"kubernetes_ca_cert":   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw})),
		"disable_local_ca_jwt": true,
	})
	v.role("kubernetes/role/"+role, policies, ttl, map[string]any{
		"bound_service_account_names": ServiceAccount, "bound_service_account_namespaces": Namespace,
	})
	return c
}

func newCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{issuer: NewIssuer(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", c.review)
	c.server = httptest.NewTLSServer(mux)
	c.URL = c.server.URL
	t.Cleanup(c.server.Close)
	c.Renew()
	return c
}

// Renew makes a new JWT for the service account and returns it; the one before it is refused from now on.
func (c *Cluster) Renew() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	c.jwt = c.issuer.Sign(map[string]any{
		"iss": apiServer,
		"aud": []string{apiServer},
		"sub": "system:serviceaccount:" + Namespace + ":" + ServiceAccount,
		"jti": strconv.Itoa(c.count),
		"kubernetes.io": map[string]any{
			"namespace": Namespace, "serviceaccount": map[string]any{"name": ServiceAccount, "uid": serviceAccountUID},
		},
	})
	return c.jwt
}

// JWT returns the service account's JWT that is accepted now.
func (c *Cluster) JWT() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.jwt
}

// review answers a TokenReview as the API server does.
func (c *Cluster) review(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Spec struct {
			Token string `json:"token"`
		} `json:"spec"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status := map[string]any{"authenticated": false}
	if asked.Spec.Token == c.JWT() {
		status = map[string]any{"authenticated": true, "audiences": []string{apiServer}, "user": map[string]any{
			"username": "system:serviceaccount:" + Namespace + ":" + ServiceAccount, "uid": serviceAccountUID,
		}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": status})
}
