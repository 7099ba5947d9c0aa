package vaulttest

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// through returns a client of the counter with the root token, in a namespace.
func (c *Counter) through(v *Vault) *api.Client {
	client := v.Client()
	if err := client.SetAddress(c.URL); err != nil {
		c.t.Fatal(err)
	}
	client.SetNamespace("team")
	return client
}

func TestACounterCounts(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	counter := Counting(t, v.URL)
	c := counter.through(v)
	wantRead(t, c, "a", "secret", "s")
	wantRead(t, c, "a", "secret", "s")
	wantStatus(t, v.with("wrong"), "a", 403) // past the counter
	c.ClearToken()
	wantStatus(t, c, "a", 403)
	got := counter.Requests()
	if len(got) != 3 || got[0] != (Request{Method: "GET", Path: "/v1/kv/data/a", Namespace: "team", Token: true, Status: 200}) ||
		got[2] != (Request{Method: "GET", Path: "/v1/kv/data/a", Namespace: "team", Status: 403}) {
		t.Errorf("the requests were %+v", got)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/v1/kv/data/a", 3},
		{"", "/v1/kv/", 3},
		{"PUT", "/v1/kv/data/a", 0},
		{"GET", "/v1/kv/data", 0},
		{"GET", "/v1/kv/metadata/", 0},
	} {
		if n := counter.Count(c.method, c.path); n != c.want {
			t.Errorf("%q %s: counted %d, want %d", c.method, c.path, n, c.want)
		}
	}
	v.process.kill()
	if _, err := read(c, "a", "secret"); err == nil || status(err) != 0 {
		t.Errorf("a Vault that is gone answers through the counter: %v", err)
	}
}

func TestACounterMakesTrouble(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	v.Put("b", map[string]any{"secret": "s"})
	counter := Counting(t, v.URL)
	c := counter.through(v)

	counter.Fail(500, "/v1/kv/data/a")
	wantStatus(t, c, "a", 500)
	wantRead(t, c, "b", "secret", "s")
	counter.Fail(429)
	wantStatus(t, c, "b", 429)
	counter.Pass()
	wantRead(t, c, "a", "secret", "s")

	counter.Stall("/v1/kv/data/")
	came := counter.Count("GET", "/v1/kv/data/")
	answer := make(chan error, 1)
	go func() {
		got, err := read(c, "a", "secret")
		if err == nil && got != "s" {
			err = errors.New("it is " + got)
		}
		answer <- err
	}()
	counter.Await("GET", "/v1/kv/data/", came+1)
	if got := counter.Requests(); got[len(got)-1].Status != 0 || len(answer) > 0 {
		t.Errorf("a stalled request is answered: %+v", got[len(got)-1])
	}
	counter.Pass()
	if err := <-answer; err != nil {
		t.Errorf("after the stall: %v", err)
	}

	counter.Stall()
	c.SetClientTimeout(50 * time.Millisecond)
	if _, err := read(c, "a", "secret"); err == nil || status(err) != 0 {
		t.Errorf("a stalled request is answered: %v", err)
	}
}
