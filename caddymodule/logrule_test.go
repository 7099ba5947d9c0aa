package caddymodule

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// oneSite is a Caddyfile of psagate's with global options and a site's lines.
func oneSite(global, site string) string {
	return "{\n\tadmin off\n" + indent(global, 1) + "\tpsa\n}\n\nhttp://psa.example.com {\n" + indent(site, 1) + "\tpsa_gateway\n}\n"
}

func indent(lines string, by int) string {
	if lines == "" {
		return ""
	}
	tabs := strings.Repeat("\t", by)
	return tabs + strings.ReplaceAll(lines, "\n", "\n"+tabs) + "\n"
}

func TestAnAccessLogThatCouldHoldKeysIsRefused(t *testing.T) {
	const psaLog = "log {\n\tformat psa\n}"
	other := func(site, log string) string { return "\n" + site + " {\n" + indent(log, 1) + "\trespond hi\n}\n" }
	for name, c := range map[string]struct{ caddyfile, want string }{
		"no access log":                        {oneSite("", ""), ""},
		"an access log with format psa":        {oneSite(psaLog, psaLog), ""},
		"an access log alone with format psa":  {oneSite("", psaLog), `server srv0 (a call to a host that no site names) logs its requests to the log "default" (as http.log.access)`},
		"a log that wraps another format":      {oneSite(psaLog, "log {\n\tformat psa {\n\t\twrap console\n\t}\n}"), ""},
		"an access log with the default":       {oneSite("", "log"), `site psa.example.com logs its requests to the log "default" (as http.log.access)`},
		"an access log with format json":       {oneSite("", "log {\n\tformat json\n}"), `site psa.example.com logs its requests to the log "log0" (as http.log.access.log0)`},
		"format psa in another format":         {oneSite("", "log {\n\tformat filter {\n\t\twrap psa\n\t}\n}"), `the log "log0"`},
		"two logs, one without":                {oneSite("", psaLog+"\nlog second {\n\toutput stderr\n\tformat console\n}"), `the log "second" (as http.log.access.second)`},
		"a default log with format psa":        {oneSite(psaLog, "log"), ""},
		"a global log that takes it too":       {oneSite("log everything {\n\toutput stderr\n}", psaLog), `the log "everything" (as http.log.access.log0)`},
		"a global log that does not take it":   {oneSite(psaLog+"\nlog other {\n\toutput stderr\n\texclude http.log.access\n}", psaLog), ""},
		"a global log of something else":       {oneSite(psaLog+"\nlog other {\n\toutput stderr\n\tinclude http.handlers\n}", psaLog), ""},
		"a log of errors takes failed ones":    {oneSite("", "log {\n\tlevel ERROR\n}"), `the log "log0"`},
		"a log above errors takes none":        {oneSite(psaLog, "log {\n\tlevel FATAL\n}"), ""},
		"a log that is thrown away":            {oneSite(psaLog, "log {\n\toutput discard\n}"), ""},
		"insecure_log_keys":                    {strings.Replace(oneSite("", "log"), "\tpsa\n", "\tpsa {\n\t\tinsecure_log_keys\n\t}\n", 1), ""},
		"another site's log":                   {oneSite(psaLog, psaLog) + other("http://other.example.com", "log"), ""},
		"another site's log, none of ours":     {oneSite(psaLog, "") + other("http://other.example.com", "log"), ""},
		"another server's log":                 {oneSite("", "") + other("http://psa.example.com:9000", "log"), ""},
		"a log that a handler chooses":         {oneSite("log chosen {\n\toutput stderr\n\tinclude http.log.access.chosen\n}", psaLog+"\nlog_name chosen"), `server srv0 logs its requests to the log "chosen" (as http.log.access.chosen)`},
		"a log that another site's chooses":    {oneSite(psaLog, psaLog) + other("http://other.example.com", "log\nlog_name chosen"), ""},
		"a site for all hosts":                 {strings.Replace(oneSite("", "log"), "http://psa.example.com", "http://", 1), `server srv0 logs its requests to the log "default"`},
		"all hosts beside a site that logs":    {strings.Replace(oneSite("", psaLog), "http://psa.example.com", "http://", 1) + other("http://other.example.com", "log"), ""},
		"a wildcard site":                      {strings.Replace(oneSite("", "log"), "http://psa.example.com", "http://*.example.com", 1), `site *.example.com logs its requests to the log "default"`},
		"a wildcard site beside another":       {strings.Replace(oneSite(psaLog, psaLog), "http://psa.example.com", "http://*.example.com", 1) + other("http://other.example.com", "log"), ""},
		"a log for one host of a wildcard":     {strings.Replace(oneSite("", psaLog+"\nlog {\n\thostnames a.example.com\n\toutput stderr\n}"), "http://psa.example.com", "http://*.example.com", 1), `the log "log1"`},
		"a site within another's wildcard log": {oneSite(psaLog, psaLog) + other("http://*.example.com", "log"), ""},
		"a named route that is invoked":        {"{\n\tadmin off\n\tpsa\n}\n\n&(gate) {\n\tpsa_gateway\n}\n\nhttp://psa.example.com {\n\tlog\n\tinvoke gate\n}\n", `site psa.example.com logs`},
		"psa_proxy deep in routes":             {"{\n\tadmin off\n\tpsa\n}\n\nhttp://psa.example.com {\n\tlog\n\troute /a/* {\n\t\thandle {\n\t\t\tpsa_proxy\n\t\t}\n\t}\n}\n", `site psa.example.com logs`},
		"psa_identify in an error route":       {"{\n\tadmin off\n\tpsa\n}\n\nhttp://psa.example.com {\n\tlog\n\thandle_errors {\n\t\tpsa_identify\n\t}\n}\n", `server srv0 logs`},
	} {
		t.Run(name, func(t *testing.T) {
			useFake(t)
			err := validate(t, mustAdapt(t, c.caddyfile))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error: %v\nwant one with: %s", err, c.want)
			}
		})
	}
}

// JSON can say what no Caddyfile does.
func TestLoggersFollowTheServersConfig(t *testing.T) {
	const route = `[{"match":[{"host":["psa.example.com"]}],"handle":[{"handler":"psa_proxy"}]}]`
	for name, c := range map[string]struct{ server, want string }{
		"no logs":                       {`"routes":` + route, ""},
		"a default logger":              {`"routes":` + route + `,"logs":{"default_logger_name":"d"}`, "http.log.access.d"},
		"a skipped host":                {`"routes":` + route + `,"logs":{"skip_hosts":["*.example.com"]}`, "http.log.access"},
		"another skipped host":          {`"routes":` + route + `,"logs":{"skip_hosts":["a.example.com"]}`, "http.log.access"},
		"unmapped hosts are skipped":    {`"routes":` + route + `,"logs":{"skip_unmapped_hosts":true}`, ""},
		"mapped in upper case":          {`"routes":` + route + `,"logs":{"logger_names":{"PSA.example.com":"own"}}`, "http.log.access.own http.log.access"},
		"its own entry beats wildcards": {`"routes":` + route + `,"logs":{"logger_names":{"*.example.com":["w"],"psa.example.com":["own"]}}`, "http.log.access.own http.log.access"},
		"a wildcard entry":              {`"routes":` + route + `,"logs":{"logger_names":{"*.example.com":["w","v"]}}`, "http.log.access.v http.log.access.w http.log.access"},
		"a wider wildcard entry":        {`"routes":` + route + `,"logs":{"logger_names":{"*.*.com":["w"]}}`, "http.log.access.w http.log.access"},
		"no handler of psagate's":       {`"routes":[{"handle":[{"handler":"static_response"}]}],"logs":{}`, ""},
		"a matcher that names no host":  {`"routes":[{"match":[{"path":["/x"]}],"handle":[{"handler":"psa_identify"}]}],"logs":{}`, "http.log.access"},
		"a route before, for all":       {`"routes":[{"handle":[{"handler":"vars","access_logger_names":["v",7]}]},` + route[1:] + `,"logs":{"default_logger_name":"d"}`, "http.log.access.d http.log.access.v"},
		"a named route with a logger":   {`"routes":[{"handle":[{"handler":"invoke","name":"n"}]}],"named_routes":{"n":{"handle":[{"handler":"vars","access_logger_names":["v"]},{"handler":"psa_proxy"}]}},"logs":{"skip_unmapped_hosts":true}`, "http.log.access.v"},
	} {
		sites, err := loggedSites(json.RawMessage(`{"servers":{"s":{` + c.server + `},"none":null}}`))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, site := range sites {
			got = append(got, site.logger)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: loggers %q, want %q", name, got, c.want)
		}
	}
	if sites, err := loggedSites(nil); err != nil || sites != nil {
		t.Errorf("without an http app: %v, %v", sites, err)
	}
	if _, err := loggedSites(json.RawMessage(`[]`)); err == nil {
		t.Error("an http app of another shape was read")
	}
}

// These break when Caddy's structs change; the rule must then be taught their new shape.
func TestCaddyHasTheShapeThatTheLogRuleReads(t *testing.T) {
	ctx, err := caddy.ProvisionContext(&caddy.Config{Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"psa": {BaseLog: caddy.BaseLog{EncoderRaw: json.RawMessage(`{"format":"psa"}`)}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configOf(ctx)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := encoderOf(cfg.Logging.Logs["psa"])
	if _, ok := encoder.(*LogEncoder); !ok || err != nil {
		t.Errorf("the encoder of a log with format psa is %T: %v", encoder, err)
	}
	encoder, err = encoderOf(cfg.Logging.Logs[caddy.DefaultLoggerName])
	if encoder == nil || err != nil {
		t.Errorf("the encoder of the default log is %T: %v", encoder, err)
	}
}

func TestAnotherShapeIsAnErrorAndNoPanic(t *testing.T) {
	value := struct{ cfg string }{"x"}
	for _, name := range []string{"cfg", "config"} {
		if _, err := privateField[*caddy.Config](reflect.ValueOf(&value).Elem(), name); !errors.Is(err, errShape) {
			t.Errorf("field %s: error %v", name, err)
		}
	}
	if _, err := configOf(caddy.Context{}); !errors.Is(err, errShape) {
		t.Errorf("a context without a config: error %v", err)
	}
}

// Where the logging config cannot be read a config is accepted, with a warning.
func TestTheLogRuleWarnsWhereItCannotSee(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	if err := checkAccessLogs(ctx, false); err != nil {
		t.Error(err)
	}
}
