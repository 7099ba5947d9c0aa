package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// audit reads where calls and security events are written down. Syntax:
//
//	audit {
//	    output <caddy log writer...>
//	    required
//	}
func (p *parser) audit(w *word) error {
	if p.app.Audit != nil {
		return w.errorf("audit is defined twice")
	}
	if _, err := w.present(); err != nil {
		return err
	}
	p.app.Audit = new(Audit)
	p.place("audit", w)
	return w.block("audit", p.placing("audit", words{
		"output":   p.app.Audit.readOutput,
		"required": func(w *word) (err error) { p.app.Audit.Required, err = w.present(); return err },
	}))
}

// readOutput reads a writer as Caddy's own global option log does.
func (u *Audit) readOutput(w *word) error {
	if !w.d.NextArg() {
		return w.errorf("output takes a log writer of Caddy's, such as `output file /var/log/psagate/audit.log`")
	}
	var writer any
	name := w.d.Val()
	switch name {
	case "stdout":
		writer = caddy.StdoutWriter{}
	case "stderr":
		writer = caddy.StderrWriter{}
	case "discard":
		writer = caddy.DiscardWriter{}
	default:
		module, err := w.logWriter(name)
		if err != nil {
			return err
		}
		u.WriterRaw = caddyconfig.JSONModuleObject(module, "output", name, nil)
		return nil
	}
	u.WriterRaw = caddyconfig.JSONModuleObject(writer, "output", name, nil)
	if extra := w.d.RemainingArgs(); len(extra) > 0 {
		return w.errorf("%s takes no arguments, and has %d", name, len(extra))
	}
	return nil
}

// logWriter reads one of the writers that bring their own grammar.
func (w *word) logWriter(name string) (any, error) {
	var known []string
	for _, module := range caddy.GetModules("caddy.logging.writers") {
		known = append(known, module.ID.Name())
		if module.ID.Name() == name {
			return caddyfile.UnmarshalModule(w.d, string(module.ID))
		}
	}
	return nil, w.errorf("%s", unknownWord(name, "output", known))
}
