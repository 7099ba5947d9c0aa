package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/console"
)

// Settings implements console.Source. They are read off the config that is in force, whatever fields it has, so that none is forgotten;
// secrets are not in a config, but where they are to be found.
func (s consoleSource) Settings() (all []console.Section) {
	a := s.app.inEffect()
	of := reflect.ValueOf(a).Elem()
	for i := range of.NumField() {
		name, ok := settingName(of.Type().Field(i))
		if !ok {
			continue
		}
		field := of.Field(i)
		switch {
		case name == "secrets":
			for _, store := range slices.Sorted(maps.Keys(s.app.stores)) {
				all = append(all, sectionOf("secrets "+store, reflect.ValueOf(s.app.stores[store]), console.Setting{Name: "kind", Value: kindOf(s.app.stores[store])}))
			}
		case field.Kind() == reflect.Map:
			for _, key := range sortedKeys(field) {
				all = append(all, sectionOf(strings.TrimSuffix(name, "s")+" "+key.String(), field.MapIndex(key)))
			}
		case !field.IsZero():
			all = append(all, sectionOf(name, field))
		}
	}
	return all
}

// inEffect is the config with those defaults that depend on other settings.
func (a *App) inEffect() *App {
	out := *a
	out.Logins = make(map[string]*Login, len(a.Logins))
	for name, l := range a.Logins {
		login, s := *l, l.Settings()
		login.Lockout = &Lockout{
			Threshold: s.Threshold, Budget: s.Budget, InFlight: s.InFlight, Linger: caddy.Duration(s.Linger), Recheck: caddy.Duration(s.Recheck),
			NeverReset: s.NeverReset, Observe: s.Observe,
		}
		login.Queue = &Queue{Length: s.QueueLength, Deadline: caddy.Duration(s.QueueDeadline)}
		out.Logins[name] = &login
	}
	var store Store
	if a.Store != nil {
		store = *a.Store
	}
	store.Kind = string(store.kind())
	if store.Kind == "sqlite" {
		store.Path = store.path()
	}
	out.Store = &store
	return &out
}

// settingName is a field's name in JSON; ok is false for one that is no setting.
func settingName(f reflect.StructField) (name string, ok bool) {
	name, _, _ = strings.Cut(f.Tag.Get("json"), ",")
	return name, f.IsExported() && name != "" && name != "-"
}

func sortedKeys(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
}

func sectionOf(title string, v reflect.Value, first ...console.Setting) console.Section {
	s := console.Section{Title: title, Settings: first}
	if walkSettings("", v, &s.Settings); len(s.Settings) == 0 {
		s.Settings = []console.Setting{{Name: "settings", Value: "all as by default"}}
	}
	return s
}

// walkSettings writes down what is set, by its path.
func walkSettings(path string, v reflect.Value, to *[]console.Setting) {
	below := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	put := func(text string) { *to = append(*to, console.Setting{Name: cmp.Or(path, "value"), Value: text}) }
	switch of := v.Interface().(type) {
	case caddy.Duration:
		put(time.Duration(of).String())
		return
	case Window:
		put(of.String())
		return
	case json.RawMessage: // of another module's, which may hold anything
		put(moduleNamed(of))
		return
	case AlertWebhook:
		of.URL = hostOf(of.URL)
		v = reflect.ValueOf(of)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walkSettings(path, v.Elem(), to)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name, ok := settingName(v.Type().Field(i)); ok && !v.Field(i).IsZero() {
				walkSettings(below(name), v.Field(i), to)
			}
		}
	case reflect.Map:
		for _, key := range sortedKeys(v) {
			walkSettings(below(key.String()), v.MapIndex(key), to)
		}
	case reflect.Slice:
		walkList(path, v, to)
	default:
		put(withoutPassword(fmt.Sprint(v.Interface())))
	}
}

// walkList writes texts on one line, and others each by itself.
func walkList(path string, v reflect.Value, to *[]console.Setting) {
	if v.Type().Elem().Kind() != reflect.String {
		for i := range v.Len() {
			walkSettings(fmt.Sprintf("%s[%d]", path, i), v.Index(i), to)
		}
		return
	}
	texts := make([]string, v.Len())
	for i := range texts {
		texts[i] = withoutPassword(v.Index(i).String())
	}
	*to = append(*to, console.Setting{Name: cmp.Or(path, "value"), Value: strings.Join(texts, ", ")})
}

// moduleNamed is what is shown of another module's settings.
func moduleNamed(raw json.RawMessage) string {
	var of struct {
		Output   string `json:"output"`
		Filename string `json:"filename"`
	}
	_ = json.Unmarshal(raw, &of) // it has been loaded
	return strings.TrimSpace(of.Output + " " + of.Filename)
}

// hostOf is a webhook's address as logs have it too, without its path: that of a chat is a secret, and not everybody treats it as one.
func hostOf(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return ""
}

// withoutPassword is a text that names no secret: of a key's hash the key's id, and a URL without the password in it.
func withoutPassword(text string) string {
	if hash, err := parseKeyHash(text); err == nil {
		return "key " + hash.ID()
	}
	if u, err := url.Parse(text); err == nil && u.User != nil {
		return u.Redacted()
	}
	return text
}
