package probe_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/broker/thread"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func says(secret string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return secret, nil }
}

func keys(t testing.TB) thread.Keys {
	t.Helper()
	k, err := thread.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// results are the steps in short, as in `name ok, tls failed`.
func results(steps []probe.Step) string {
	var all []string
	for _, s := range steps {
		all = append(all, s.Name+" "+string(s.Result))
	}
	return strings.Join(all, ", ")
}

func step(t *testing.T, steps []probe.Step, name string) probe.Step {
	t.Helper()
	for _, s := range steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no step %q: %s", name, results(steps))
	return probe.Step{}
}

// want compares one step.
func want(t *testing.T, steps []probe.Step, name string, result probe.Result, words ...string) {
	t.Helper()
	s := step(t, steps, name)
	if s.Result != result {
		t.Errorf("%q is %s, not %s: %s", name, s.Result, result, s.Words)
	}
	for _, word := range words {
		if !strings.Contains(s.Words+" "+s.Do, word) {
			t.Errorf("%q does not say %q, but: %s (%s)", name, word, s.Words, s.Do)
		}
	}
}

const patience = time.Minute
