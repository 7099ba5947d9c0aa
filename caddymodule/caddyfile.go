package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("psa", parseApp)
}

// parser reads psa blocks into an app's config.
type parser struct {
	app *App
	// needs are the secrets that the block's stores are opened with, by the store's name.
	needs map[string][]*SecretText
	// places are where the words stand that the app's check may find fault with, by their path.
	places map[string]caddyfile.Token
}

// parseApp reads the global option psa. Several psa blocks make one config; each may name what it or one before it
// defines. Syntax:
//
//	psa {
//	    secrets ...
//	    login <name> { ... }
//	    pool <name> <login...>
//	    integration <name> { ... }
//	    issuer <name> <issuer URL> { ... }
//	    store ...
//	    installation_key secret <store> <path>
//	    policy <file...> { ... }
//	    freeze <weekday...> <from-to> [<zone>]
//	    alerts { ... }
//	    mail <name> { ... }
//	    insecure_log_keys
//	}
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	p := &parser{app: new(App), needs: map[string][]*SecretText{}, places: map[string]caddyfile.Token{}}
	if before, ok := existing.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(before.Value, p.app); err != nil {
			return nil, fmt.Errorf("reading the psa block before this one: %w", err)
		}
	}
	d.Next() // the word psa
	w := at(d)
	if _, err := w.present(); err != nil {
		return nil, err
	}
	if err := w.block("psa", p.words(), "secrets", "login", "pool", "integration", "issuer", "freeze", "mail"); err != nil {
		return nil, err
	}
	if err := cmp.Or(p.app.check(), checkNeeds(p.needs, p.app.SecretsRaw)); err != nil {
		return nil, p.locate(w.token, err)
	}
	value, err := json.Marshal(p.app)
	if err != nil {
		return nil, fmt.Errorf("writing the psa config: %w", err)
	}
	return httpcaddyfile.App{Name: "psa", Value: value}, nil
}

func (p *parser) words() words {
	return words{
		"secrets":           p.secrets,
		"login":             p.login,
		"pool":              p.pool,
		"integration":       p.integration,
		"issuer":            p.issuer,
		"second_factor":     p.secondFactor,
		"store":             p.store,
		"installation_key":  p.installationKey,
		"policy":            p.policy,
		"freeze":            p.freeze,
		"alerts":            p.alerts,
		"audit":             p.audit,
		"mail":              p.mailbox,
		"insecure_log_keys": func(w *word) (err error) { p.app.InsecureLogKeys, err = w.present(); return err },
	}
}

// place remembers where a word stands.
func (p *parser) place(path string, w *word) { p.places[path] = w.token }

// locate adds file and line to what the app's check found: those of the nearest word that the block has.
func (p *parser) locate(block caddyfile.Token, err error) error {
	var found *fault
	if !errors.As(err, &found) {
		return errorAt(block, "%w", err)
	}
	path := strings.Fields(found.path)
	for ; len(path) > 0; path = path[:len(path)-1] {
		if token, ok := p.places[strings.Join(path, " ")]; ok {
			return errorAt(token, "%w", err)
		}
	}
	return errorAt(block, "%w", err)
}

// secrets reads one store. Where the store's name is left out, its kind is the name. Syntax:
//
//	secrets [<name>] <kind> <place> {
//	    ...
//	}
func (p *parser) secrets(w *word) error {
	switch w.d.CountRemainingArgs() {
	case 2: // [kind, place]
		w.d.NextArg()
		return p.secretStore(w, w.d.Val())
	case 3: // [name, kind, place]
		w.d.NextArg()
		name := w.d.Val()
		w.d.NextArg()
		return p.secretStore(w, name)
	}
	return w.errorf("secrets takes [<name>] <kind> <place>, such as `secrets file /etc/psagate/secrets.json`, and has %d arguments", w.d.CountRemainingArgs())
}

// secretStore reads the store of that name; the dispenser stands on its kind.
func (p *parser) secretStore(w *word, name string) error {
	kind := w.d.Val()
	if _, ok := p.app.SecretsRaw[name]; ok {
		return w.errorf("store %q is defined twice", shown(name))
	}
	if kinds := storeKinds(); !slices.Contains(kinds, kind) {
		return w.errorf("%s", unknownWord(kind, "secrets, where the kind of store is named", kinds))
	}
	module, err := caddyfile.UnmarshalModule(w.d, "psa.secrets."+kind)
	if err != nil {
		return err
	}
	if p.app.SecretsRaw == nil {
		p.app.SecretsRaw = map[string]json.RawMessage{}
	}
	if store, ok := module.(SecretStore); ok {
		p.needs[name] = store.Needs()
	}
	p.place("secrets "+name, w)
	p.app.SecretsRaw[name] = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
	return nil
}

// storeKinds returns the kinds of secret stores that this binary has.
func storeKinds() []string {
	var kinds []string
	for _, module := range caddy.GetModules("psa.secrets") {
		kinds = append(kinds, module.ID.Name())
	}
	return kinds
}
