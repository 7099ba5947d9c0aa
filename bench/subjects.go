package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// The subjects. psa_proxy cannot be measured alone: it serves nobody whom psa_identify has not identified. psa_gateway is
// the same two handlers with psa_policy between them, so the difference between those two is what the policies cost; and written
// is that with an audit log, so the last difference is what it costs to write each call down.
const (
	direct  = "direct"
	nginx   = "nginx proxy_set_header"
	stock   = "stock reverse_proxy"
	parts   = "psa_identify + psa_proxy"
	gateway = "psa_gateway"
	written = "psa_gateway, audited"
)

// psa is what the upstream demands of each call.
const (
	psaUser   = "api@example.com"
	psaSecret = "bench-Password-4711"
	psaCode   = "BENCHBENCHBENCHBENCHBENCHBE"
)

// queue is the length of a login's: where the machine stands still for a moment, the open loop makes up for it with all calls
// that were due, which are to wait and be measured, not to be refused.
const queue = 10_000

// stage is a subject that serves a row.
type stage struct {
	subject string
	row     row
	address string
	callers string   // file with whom the calls come from
	server  *process // none where calls go straight to the upstream
	admin   string   // socket of the admin endpoint, empty where it has none
}

// setup is what a subject's config is made of.
type setup struct {
	row              row
	dir, port, admin string
	upstream         string
	integrations     []integration
}

// makers write a subject's config into its folder and return the command that serves it.
var makers = map[string]func(w *world, s setup) ([]string, error){
	nginx: nginxCommand,
	stock: stockCommand,
	parts: func(w *world, s setup) ([]string, error) {
		return psagateCommand(w, s, "", "psa_identify\n\tpsa_proxy")
	},
	gateway: func(w *world, s setup) ([]string, error) { return psagateCommand(w, s, "", "psa_gateway") },
	written: func(w *world, s setup) ([]string, error) {
		return psagateCommand(w, s, "\t\taudit {\n\t\t\toutput file "+filepath.Join(s.dir, "audit.log")+"\n\t\t}\n", "psa_gateway")
	},
}

func nginxCommand(_ *world, s setup) ([]string, error) {
	log := "access_log off;"
	if s.row.AccessLog {
		log = "access_log access.log;"
	}
	user := ""
	if os.Geteuid() == 0 { // its workers would go by another user, who may not write here
		user = "user root;\n"
	}
	config := filepath.Join(s.dir, "nginx.conf")
	return []string{"nginx", "-p", s.dir, "-c", config, "-e", "error.log"}, os.WriteFile(config, fmt.Appendf(nil, user+`daemon off;
pid nginx.pid;
worker_processes auto;
events { worker_connections 4096; }
http {
	%s
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	client_max_body_size 16m;
	upstream psa { server %s; keepalive 128; keepalive_requests 1000000; }
	server {
		listen 127.0.0.1:%s;
		keepalive_requests 1000000;
		location / {
			proxy_pass http://psa;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header UserName %s;
			proxy_set_header Secret %s;
			proxy_set_header ApiIntegrationCode %s;
		}
	}
}
`, log, s.upstream, s.port, psaUser, psaSecret, psaCode), 0o600)
}

func stockCommand(w *world, s setup) ([]string, error) {
	sets := fmt.Sprintf("header_up UserName %s\n\t\theader_up Secret %s\n\t\theader_up ApiIntegrationCode %s", psaUser, psaSecret, psaCode)
	if s.row.Call.Operation != "" {
		sets = fmt.Sprintf("header_up Authorization \"Basic %s\"", base64.StdEncoding.EncodeToString([]byte(psaUser+":"+psaSecret)))
	}
	return caddyCommand(w.helper("caddy"), s, "", "json", fmt.Sprintf("reverse_proxy %s {\n\t\t%s\n\t}", s.upstream, sets))
}

// psagateCommand serves a site with psagate. more are further lines of its psa block.
func psagateCommand(w *world, s setup, more, site string) ([]string, error) {
	var global strings.Builder
	secrets := filepath.Join(s.dir, "secrets.json")
	fmt.Fprintf(&global, "\tpsa {\n\t\tsecrets file %s\n\t\tpolicy %s\n", secrets, filepath.Join(s.dir, "policies.cedar"))
	records := map[string]any{}
	for i := range s.row.Logins {
		records[fmt.Sprintf("bench/%d", i)] = map[string]string{"username": fmt.Sprintf("%d-%s", i, psaUser), "secret": psaSecret, "integration_code": psaCode}
		fmt.Fprintf(&global, "\t\tlogin l%d {\n\t\t\tsecret file bench/%d\n\t\t\tdiscover http://%s\n\t\t\thosts 127.0.0.1\n\t\t\tinsecure_http\n\t\t\tqueue %d 1m\n\t\t}\n", i, i, s.upstream, queue)
	}
	for i, integration := range s.integrations {
		fmt.Fprintf(&global, "\t\tintegration %s {\n\t\t\tkey %s\n\t\t\tlogin l%d\n\t\t}\n", integration.name, integration.hash(), i%s.row.Logins)
	}
	global.WriteString(more + "\t}\n")
	text, err := json.Marshal(records)
	if err == nil {
		err = os.WriteFile(secrets, text, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "policies.cedar"), []byte(policies(s.integrations)), 0o600)
	}
	if err != nil {
		return nil, err
	}
	return caddyCommand(w.helper("psagate"), s, global.String(), "psa", site)
}

// policies permits each integration its calls, in two lines of its own, so that they grow in number with the integrations.
func policies(integrations []integration) string {
	var text strings.Builder
	for _, i := range integrations {
		fmt.Fprintf(&text, "permit (principal == Integration::%q, action in [Action::\"read\", Action::\"query\"], resource);\n", i.name)
		fmt.Fprintf(&text, "permit (principal == Integration::%q, action == Action::\"create\", resource == Entity::\"TicketAttachments\");\n", i.name)
	}
	return text.String()
}

// caddyCommand is the same for both Caddys but for what is compared.
func caddyCommand(binary string, s setup, global, format, site string) ([]string, error) {
	log := ""
	if s.row.AccessLog {
		log = fmt.Sprintf("log {\n\t\toutput file %s\n\t\tformat %s\n\t}\n\t", filepath.Join(s.dir, "access.log"), format)
	}
	config := filepath.Join(s.dir, "Caddyfile")
	text := fmt.Sprintf("{\n\tadmin unix/%s|0600\n\tpersist_config off\n%s}\n\nhttp://:%s {\n\tbind 127.0.0.1\n\t%s%s\n}\n", s.admin, global, s.port, log, site)
	return []string{binary, "run", "--config", config, "--adapter", "caddyfile"}, os.WriteFile(config, []byte(text), 0o600)
}

// raise starts a subject and waits until it serves each caller.
func (w *world) raise(subject string, r row, integrations []integration) (*stage, error) {
	dir, err := os.MkdirTemp(w.dir, r.Name+"-")
	if err != nil {
		return nil, err
	}
	st := &stage{subject: subject, row: r, address: w.upstream(r), callers: filepath.Join(dir, "callers")}
	calling := integrations[:r.callers()]
	if subject == direct {
		calling = []integration{{psaUser, psaSecret}}
	}
	if err := writeCallers(st.callers, calling); err != nil {
		return nil, err
	}
	if subject != direct {
		if err := w.serve(st, dir, integrations); err != nil {
			return nil, err
		}
	}
	if err := w.warm(st, calling); err != nil {
		st.end()
		return nil, fmt.Errorf("%s: %w", subject, err)
	}
	return st, nil
}

// serve starts the subject's process.
func (w *world) serve(st *stage, dir string, integrations []integration) (err error) {
	if st.address, err = freeAddress(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(st.address)
	s := setup{row: st.row, dir: dir, port: port, admin: filepath.Join(dir, "admin"), upstream: w.upstream(st.row), integrations: integrations}
	command, err := makers[st.subject](w, s)
	if err != nil {
		return err
	}
	if st.subject != nginx {
		st.admin = s.admin
	}
	st.server, err = startProcess(w.ctx, dir, command)
	return err
}

func (st *stage) end() {
	if st.server != nil {
		st.server.stop()
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
