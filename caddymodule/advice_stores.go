package caddymodule

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/logging"
)

// app warns of what is set for all of psagate.
func (a *advice) app(app *App) {
	a.addIf(app.InsecureLogKeys, "insecure-log-keys", "psa")
	keyMade, storeMade := madeNow()
	a.addIf(keyMade, "key-made", "psa")
	a.addIf(storeMade, "store-made", "psa")
	a.audit(app)
}

// audit warns of an audit log that is required and keeps less than that over a loss of power.
func (a *advice) audit(app *App) {
	if app.audit == nil || !app.audit.out.required {
		return
	}
	file, is := app.audit.out.WriterOpener.(*logging.FileWriter)
	if !is || file.Roll != nil && !*file.Roll {
		return
	}
	packs := file.RollCompression != "none" && (file.RollCompression != "" || file.RollCompress == nil || *file.RollCompress)
	a.addIf(packs, "audit-compressed", "audit")
}

// madeNow tells whether this process made the installation key, and the store. Tests replace it.
var madeNow = func() (key, store bool) {
	f := ground()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.made, f.store.Made()
}

// stores warns of secret stores.
func (a *advice) stores(app *App) {
	used := app.usedStores()
	for _, name := range slices.Sorted(maps.Keys(app.stores)) {
		store, where := app.stores[name], "store "+name
		poll, maxStale := store.Freshness()
		a.addIf(maxStale < time.Minute, "max-stale-short", where, maxStale)
		a.addIf(maxStale > 24*time.Hour, "max-stale-long", where, maxStale)
		a.addIf(!used[name], "unused-store", where)
		switch s := store.(type) {
		case *FileSecrets:
			a.addIf(s.InsecurePermissions, "insecure-permissions", where)
		case *VaultSecrets:
			a.addIf(s.InsecureHTTP, "insecure-vault", where)
			a.addIf(poll < time.Second, "poll-fast", where, poll)
			a.addIf(s.hasFixedToken(), "fixed-token", where)
		}
	}
}

// hasFixedToken tells whether the token cannot change while the process runs.
func (v *VaultSecrets) hasFixedToken() bool {
	return v.Auth != nil && v.Auth.Token != nil && strings.HasPrefix(v.Auth.Token.Placeholder, "{env.")
}

// usedStores are the stores that something reads.
func (a *App) usedStores() map[string]bool {
	used := map[string]bool{}
	if a.InstallationKey != nil {
		used[a.InstallationKey.Store] = true
	}
	if a.Store != nil && a.Store.DSNSecret != nil {
		used[a.Store.DSNSecret.Store] = true
	}
	for _, login := range a.Logins {
		used[login.Secret.Store] = true
	}
	for _, i := range a.Integrations {
		if i.KeyFrom != nil {
			used[i.KeyFrom.Store] = true
		}
	}
	for _, s := range a.Alerts.secrets() {
		used[s.Store] = true
	}
	for _, m := range a.Mail {
		for _, s := range m.secrets() {
			used[s.Store] = true
		}
	}
	for _, store := range a.stores {
		for _, need := range store.Needs() {
			used[need.Store] = true
		}
	}
	return used
}

// webRoots warns of a secrets file that lies where a file_server of Caddy's takes its files from.
func (a *advice) webRoots(served *caddyhttp.App, app *App) {
	if served == nil {
		return
	}
	roots := servedRoots(served)
	for _, name := range slices.Sorted(maps.Keys(app.stores)) {
		file, ok := app.stores[name].(*FileSecrets)
		if !ok {
			continue
		}
		for _, root := range roots {
			a.addIf(isBelow(root, file.path), "web-root", "store "+name, root)
		}
	}
}

// servedRoots lists the directories that file_server handlers serve, as far as the config alone says them: the handler's
// own, and where it has none any that the directive root sets.
func servedRoots(app *caddyhttp.App) (roots []string) {
	var set []string
	takesSet := false
	everyHandler(app, func(handler caddyhttp.MiddlewareHandler) {
		switch h := handler.(type) {
		case *fileserver.FileServer:
			if h.Root == "{http.vars.root}" {
				takesSet = true
			} else {
				roots = append(roots, h.Root)
			}
		case *caddyhttp.VarsMiddleware:
			if root, ok := (*h)["root"].(string); ok {
				set = append(set, root)
			}
		}
	})
	if takesSet {
		roots = append(roots, set...)
	}
	roots = slices.DeleteFunc(roots, func(root string) bool { return strings.Contains(root, "{") })
	slices.Sort(roots)
	return slices.Compact(roots)
}

// isBelow tells whether a file lies in a directory or further below.
func isBelow(directory, file string) bool {
	base, err := filepath.Abs(directory)
	if err != nil {
		return false
	}
	if file, err = filepath.Abs(file); err != nil {
		return false
	}
	way, err := filepath.Rel(base, file)
	return err == nil && filepath.IsLocal(way)
}
