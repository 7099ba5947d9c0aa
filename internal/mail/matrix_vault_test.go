//go:build linux

package mail

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/secret/vault"
	"github.com/psagate/psagate/internal/vaulttest"
)

// vaultOptions have what is known of a record used for a second after it could be read last.
func vaultOptions(log *slog.Logger) secret.Options {
	return secret.Options{Poll: 50 * time.Millisecond, MaxStale: time.Second, Logger: log}
}

// inVault has all secrets come from a real Vault, from now on. What it returns gives the field of a record that has one, as long as that
// may be used.
func (w *matrix) inVault(v *vaulttest.Vault) (field func(path string) func(context.Context) (string, error)) {
	w.Helper()
	v.Put("main", map[string]any{"username": psaUser, "secret": psaPassword, "integration_code": "CODE"})
	v.Put("mail/support", map[string]any{"password": imaptest.Password})
	v.Put("mail/ates", map[string]any{"pw": "k"})
	token := secret.NewValue(v.Token([]string{v.Policy("psagate", `path "kv/*" { capabilities = ["read"] }`)}, time.Hour))
	source, err := vault.New(vault.Config{Address: v.URL, Log: w.made.log, Auth: vault.Auth{
		Method: "token", Secret: func(context.Context) (secret.Value, error) { return token, nil },
	}})
	if err != nil {
		w.Fatal(err)
	}
	w.vault = source
	store := secret.NewStore("vault", source, vaultOptions(slog.New(slog.DiscardHandler)))
	store.Start(context.Background())
	w.Cleanup(store.Stop)
	for _, path := range []string{"mail/support", "mail/ates"} {
		w.Cleanup(store.Use(path, nil))
	}
	return func(path string) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			record, err := store.Wait(ctx, path)
			if err != nil {
				return "", err
			}
			value, err := record.Field("")
			return value.Reveal(), err
		}
	}
}

// vaultStopped is row 34 with a Vault that is stopped: mails are fetched over the connection that is there, and kept; neither the PSA nor its
// mail service nor the mail server is sent a secret that Vault does not vouch for any more; and all goes out when Vault is back.
func vaultStopped(w *matrix) {
	v := vaulttest.Start(w.T, vaulttest.OnDisk())
	field := w.inVault(v)
	s := w.withService()
	s.of = field("mail/ates")
	w.imap.Password = field("mail/support")
	w.arrive(withFiles("a", 1))
	w.settle()
	signedIn := w.server.SignIns()

	v.Stop()
	w.outage = true
	for _, path := range []string{"mail/support", "mail/ates"} {
		w.until("what is known is too old", func() bool { _, err := field(path)(w.Context()); return errors.Is(err, secret.ErrStale) })
	}
	w.until("the API cannot be used", func() bool { return !w.p.asks() && w.p.tickets.WhyDown() == "secret-unavailable" })
	w.user.SetSecret("another") // what was right before is wrong as long as Vault is away
	w.arrive(plain("b"), answer("a", "c"))
	w.hours(s, 3)
	if n := len(s.Mails()); n != 0 || w.user.MaxFailedSinceSuccess() != 0 || w.server.SignIns() != signedIn || len(w.tickets("token-b."))+len(w.notes("token-c.")) != 0 {
		w.Errorf("%d mails were handed over, %d sign-ins failed at the PSA, %d more at the mail server", n, w.user.MaxFailedSinceSuccess(), w.server.SignIns()-signedIn)
	}
	if rows := w.rows(); len(rows) != 3 || rows[1].State.Ended() || rows[2].State.Ended() || rows[1].Plan == nil || rows[2].Plan == nil {
		w.Errorf("it was no turn of the mail service's: %+v", rows)
	}

	w.user.SetSecret(psaPassword)
	v.Restart()
	w.until("the API can be used", func() bool { return w.p.asks() })
	w.outage = false
	w.settle()
	w.hours(s, 1)
}
