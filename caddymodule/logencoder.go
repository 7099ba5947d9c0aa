package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

func init() {
	caddy.RegisterModule(new(LogEncoder))
}

// LogEncoder is a log format that writes no keys: it leaves out the headers that carry credentials, and masks whatever
// looks like a key of psagate's anywhere in an entry, the request's URI too. Another format does the writing.
type LogEncoder struct {
	// Wrapped is the format that writes. Default: json, or console where the output is a terminal.
	WrappedRaw json.RawMessage `json:"wrap,omitempty" caddy:"namespace=caddy.logging.encoders inline_key=format"`

	keylessEncoder `json:"-"`
	ctx            caddy.Context
	// isDefault: the config leaves the format to us.
	isDefault bool
}

// CaddyModule returns the Caddy module information.
func (*LogEncoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.encoders.psa", New: func() caddy.Module { return new(LogEncoder) }}
}

// Provision sets up the format that writes.
func (e *LogEncoder) Provision(ctx caddy.Context) error {
	e.ctx = ctx
	if e.isDefault = e.WrappedRaw == nil; e.isDefault {
		return e.wrapNew(new(logging.JSONEncoder))
	}
	module, err := ctx.LoadModule(e, "WrappedRaw")
	if err != nil {
		return fmt.Errorf("loading the wrapped log format: %w", err)
	}
	encoder, ok := module.(zapcore.Encoder)
	if !ok {
		return fmt.Errorf("the wrapped log format %T writes no logs", module)
	}
	e.wrap(encoder)
	return nil
}

// ConfigureDefaultFormat makes the default console where the output is a terminal, as Caddy's own default does.
func (e *LogEncoder) ConfigureDefaultFormat(output caddy.WriterOpener) error {
	if e.isDefault {
		if caddy.IsWriterStandardStream(output) && term.IsTerminal(int(os.Stderr.Fd())) {
			return e.wrapNew(new(logging.ConsoleEncoder))
		}
		return nil
	}
	if inner, ok := e.wrapped.(caddy.ConfiguresFormatterDefault); ok {
		return inner.ConfigureDefaultFormat(output)
	}
	return nil
}

// provisionedEncoder is a log format of Caddy's own.
type provisionedEncoder interface {
	zapcore.Encoder
	caddy.Provisioner
}

func (e *LogEncoder) wrapNew(encoder provisionedEncoder) error {
	if err := encoder.Provision(e.ctx); err != nil {
		return fmt.Errorf("setting up the default log format: %w", err)
	}
	e.wrap(encoder)
	return nil
}

func (e *LogEncoder) wrap(encoder zapcore.Encoder) { e.keylessEncoder = newKeylessEncoder(encoder) }

// UnmarshalCaddyfile reads the format. Syntax:
//
//	psa {
//	    wrap <format>
//	}
func (e *LogEncoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the format's name
	w := at(d)
	if _, err := w.present(); err != nil {
		return err
	}
	return w.block("format psa", words{"wrap": e.readWrap})
}

func (e *LogEncoder) readWrap(w *word) error {
	if !w.d.NextArg() {
		return w.errorf("wrap takes <format>, and has none")
	}
	name := w.d.Val()
	module, err := caddyfile.UnmarshalModule(w.d, "caddy.logging.encoders."+name)
	if err != nil {
		return err
	}
	e.WrappedRaw = caddyconfig.JSONModuleObject(module, "format", name, nil)
	return nil
}

var (
	_ zapcore.Encoder                  = (*LogEncoder)(nil)
	_ caddy.Provisioner                = (*LogEncoder)(nil)
	_ caddy.ConfiguresFormatterDefault = (*LogEncoder)(nil)
	_ caddyfile.Unmarshaler            = (*LogEncoder)(nil)
)
