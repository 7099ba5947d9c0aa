package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// rotations change the password of a login, in the store and in the PSA, in both orders.
func (s *soak) rotations(ctx context.Context, l *soakLogin, r *rand.Rand) {
	for n := 1; pause(ctx, r, 2*time.Second, 20*time.Second); n++ {
		l.changing.Lock()
		next := l.passwords[n%len(l.passwords)]
		gap := some(r, 3*time.Second)
		switch r.IntN(5) {
		case 0, 1:
			s.deeds.add("a password is changed, in the store first")
			s.safe.save(l.name, next)
			wait(ctx, gap)
			l.user.SetSecret(next)
		case 2, 3:
			s.deeds.add("a password is changed, in the PSA first")
			l.user.SetSecret(next)
			wait(ctx, gap)
			s.safe.save(l.name, next)
		default:
			s.deeds.add("a password is saved in the store, and taken back")
			before := s.safe.password(l.name)
			s.safe.save(l.name, next)
			wait(ctx, gap)
			s.safe.save(l.name, before)
			n--
		}
		l.changing.Unlock()
	}
}

// moves lets tenants move from zone to zone.
func (s *soak) moves(ctx context.Context, r *rand.Rand) {
	movers := slices.DeleteFunc(slices.Clone(s.logins), func(l *soakLogin) bool { return len(l.homes) == 0 })
	for pause(ctx, r, 3*time.Second, 15*time.Second) {
		l := movers[r.IntN(len(movers))]
		to := l.homes[r.IntN(len(l.homes))]
		if l.user.Tenant().Zone() != to {
			l.user.Tenant().Migrate(to)
			s.deeds.add("a tenant moves to another zone")
		}
	}
}

// stores break the file of secrets, and mend it.
func (s *soak) stores(ctx context.Context, r *rand.Rand) {
	damages := []func(text string) string{
		func(text string) string { return text[:len(text)/2] },
		func(string) string { return "" },
		func(text string) string { return strings.ReplaceAll(text, "secret", "secrt") },
		func(text string) string { return strings.Replace(text, "autotask/globex", "autotask/nobody", 1) },
		func(text string) string {
			return strings.Replace(text, `"username"`, `"zone":"https://webservices5.autotask.invalid","username"`, 1)
		},
		func(text string) string {
			return strings.ReplaceAll(text, `"username"`, `"zone":"http://10.0.0.1","username"`)
		},
	}
	for pause(ctx, r, 4*time.Second, 20*time.Second) {
		s.deeds.add("the store's file is broken, and mended")
		e := s.climate.begin(episode{what: "the store's file is broken"})
		s.safe.damage(damages[r.IntN(len(damages))])
		wait(ctx, 300*time.Millisecond+some(r, 5*time.Second))
		s.safe.mend()
		s.climate.end(e, 0)
	}
}

// reloads load another config, or one that is refused. One ends when the calls under the config before it have.
func (s *soak) reloads(ctx context.Context, r *rand.Rand) {
	for n := 1; pause(ctx, r, 3*time.Second, 15*time.Second); n++ {
		config, want := s.config(time.Duration(2+n%2)*time.Second), 0
		if r.IntN(3) == 0 {
			config, want = strings.Replace(config, "lockout", "lokout", 1), 1
		}
		s.write("Reloaded", config)
		e := s.climate.begin(episode{what: fmt.Sprint("a config is loaded, exit status ", want), silent: true})
		out, status := s.psagate("reload", "--address", "unix/"+s.admin, "--config", s.path("Reloaded"), "--adapter", "caddyfile")
		wait(context.Background(), time.Second) // what a client notices of it late
		s.climate.end(e, 0)
		if status != want {
			s.Errorf("reload: exit status %d, want %d: %s", status, want, out)
		}
	}
}

// commands are what operators type.
func (s *soak) commands(ctx context.Context, r *rand.Rand) {
	for pause(ctx, r, time.Second, 6*time.Second) {
		l := s.logins[r.IntN(len(s.logins))]
		words := [][]string{{"status"}, {"status", "--json"}, {"zones"}, {"check", l.name}, {"check"}, {"release", "nobody", "--yes"}}[r.IntN(6)]
		out, status := s.psagate(append(words, "--address", "unix/"+s.admin)...)
		if words[0] == "status" && status != 0 || words[0] == "release" && status != 1 || status > 1 || status < 0 {
			s.Errorf("psagate %v: exit status %d: %s", words, status, out)
		}
		s.deeds.add("psagate " + words[0])
	}
}

// psagate runs a command for as long as it takes. What it prints is kept, to be searched for secrets.
func (s *soak) psagate(args ...string) (string, int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*soakPatience)
	defer cancel()
	cmd := s.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	s.heard.add(place{name: fmt.Sprint("what psagate prints on ", args), text: out})
	if cmd.ProcessState == nil {
		return err.Error(), -1
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// operator looks at the status and does what has to be done, as somebody would who knows how the PSA stands: nothing while
// something is wrong there; else a check, and where the budget is spent a release.
func (s *soak) operator(ctx context.Context) {
	client, done := s.adminClient()
	defer done()
	since := map[*soakLogin]time.Time{}
	for ctx.Err() == nil {
		wait(ctx, 300*time.Millisecond)
		for _, st := range s.standing(client) {
			l := s.logins[slices.IndexFunc(s.logins, func(l *soakLogin) bool { return l.name == st.Name })]
			if st.State == report.LoginLocked {
				s.Errorf("login %s is locked: %+v", l.name, st)
			}
			switch recorded := st.Units.Failed + st.Units.Unknown + st.Units.Lost; {
			case st.Serving != nil && st.Gate.Open && recorded < soakBudget-1:
				delete(since, l)
			case s.climate.isWrong(l) || since[l].IsZero():
				since[l] = time.Now()
			case time.Since(since[l]) < time.Second || !l.changing.TryLock():
			default:
				s.mends(client, l, st, recorded)
				since[l] = time.Now()
				l.changing.Unlock()
			}
		}
	}
}

// mends makes a login serve again whose PSA is well, and whose store has the right password.
func (s *soak) mends(client *http.Client, l *soakLogin, st report.LoginStatus, recorded int) {
	if recorded < soakBudget-1 {
		s.deeds.add("the operator checks a login that is " + string(st.State))
		s.post(client, "/psa/logins/"+l.name+"/check", "")
		return
	}
	s.deeds.add("the operator releases a login that is " + string(st.State))
	l.user.Unlock()
	s.post(client, "/psa/logins/"+l.name+"/release", fmt.Sprintf(`{"seq":%d}`, st.Seq))
}

// standing is how the logins stand.
func (s *soak) standing(client *http.Client) []report.LoginStatus {
	resp, err := client.Get("http://admin/psa/status")
	if err != nil {
		s.Errorf("the status is not shown: %v", err)
		return nil
	}
	defer resp.Body.Close()
	var status report.Status
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		s.Errorf("the status cannot be read: %v", err)
	}
	return status.Logins
}

// post asks the admin endpoint to do something.
func (s *soak) post(client *http.Client, path, text string) {
	resp, err := client.Post("http://admin"+path, "application/json", strings.NewReader(text))
	if err != nil {
		s.Errorf("%s: %v", path, err)
		return
	}
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	s.heard.add(place{name: "the admin endpoint's answer to " + path, text: out})
	if resp.StatusCode != http.StatusOK {
		s.Errorf("%s: %d %s", path, resp.StatusCode, out)
	}
}
