package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unsafe"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// checkAccessLogs refuses a config in which the access log of a site of psagate's could hold callers' keys: Caddy
// records a request for its logs before any handler can strip a header from it, so only the log's format can.
//
// Caddy shows its logging config to no module, so it is read by reflection. Where that fails the rule cannot be held,
// and a warning says so.
func checkAccessLogs(ctx caddy.Context, insecure bool) error {
	if insecure {
		return nil
	}
	cfg, err := configOf(ctx)
	if err == nil {
		var sites []loggedSite
		if sites, err = loggedSites(cfg.AppsRaw["http"]); err == nil {
			return checkLogs(cfg.Logging, sites)
		}
	}
	ctx.Logger().Warn("cannot see whether access logs hold callers' keys; make sure that each log of a site with psa_gateway has the format psa", zap.Error(err))
	return nil
}

// checkLogs names the first log that would write a site's requests in another format than psa.
func checkLogs(logs *caddy.Logging, sites []loggedSite) error {
	if logs == nil {
		return nil
	}
	for _, site := range sites {
		for _, name := range slices.Sorted(maps.Keys(logs.Logs)) {
			log := logs.Logs[name]
			if !writes(log, site.logger) {
				continue
			}
			encoder, err := encoderOf(log)
			if err != nil {
				return err
			}
			if _, ok := encoder.(*LogEncoder); !ok {
				return fmt.Errorf("%s logs its requests to the log %q (as %s), which has another format than psa and so would hold callers' keys: "+
					"write `format psa` in its log block (a `log` in the global block is the log \"default\"), or insecure_log_keys in the psa block", site.name, name, site.logger)
			}
		}
	}
	return nil
}

// accessLogger stands for one of Caddy's access loggers, whose names are as module ids.
type accessLogger string

// CaddyModule returns the Caddy module information.
func (l accessLogger) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{ID: caddy.ModuleID(l)} }

// writes tells whether a log takes entries of an access logger, by asking Caddy's own rules of include and exclude.
// Failed requests are logged as errors, so a log for errors alone takes some.
func writes(log *caddy.CustomLog, logger string) bool {
	only := caddy.Logging{Logs: map[string]*caddy.CustomLog{"": log}}
	return only.Logger(accessLogger(logger)).Check(zapcore.ErrorLevel, "") != nil
}

var errShape = errors.New("psagate does not know the shape of this Caddy's structs")

// configOf returns the config that is being loaded: the private field cfg of caddy.Context.
func configOf(ctx caddy.Context) (*caddy.Config, error) {
	cfg, err := privateField[*caddy.Config](reflect.ValueOf(&ctx).Elem(), "cfg")
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return nil, fmt.Errorf("%w: the context has no config", errShape)
	}
	return cfg, nil
}

// encoderOf returns what writes a log's entries: the private field encoder of caddy.BaseLog.
func encoderOf(log *caddy.CustomLog) (zapcore.Encoder, error) {
	return privateField[zapcore.Encoder](reflect.ValueOf(&log.BaseLog).Elem(), "encoder")
}

// privateField returns a field of an addressable struct.
func privateField[T any](of reflect.Value, name string) (T, error) {
	var none T
	field := of.FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return none, fmt.Errorf("%w: %s has no field %s of type %s", errShape, of.Type(), name, reflect.TypeFor[T]())
	}
	return *(*T)(unsafe.Pointer(field.UnsafeAddr())), nil
}
