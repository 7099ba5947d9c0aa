package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // Caddy's own, as in the product

	"github.com/psagate/psagate/caddymodule"
)

// freeAddress finds out whether the gateway can listen there, and settles port 0.
func freeAddress(listen string) (string, error) {
	l, err := net.Listen("tcp", listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "", fmt.Errorf("%s is taken by another program: stop that, or choose another address, such as -listen 127.0.0.1:8081", listen)
	case err != nil:
		return "", fmt.Errorf("the gateway cannot listen on %s: %w; choose an address such as -listen 127.0.0.1:8081", listen, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// caddyfile is the gateway's config, in the form that `caddy fmt` gives.
func (w *world) caddyfile() (string, error) {
	host, port, err := net.SplitHostPort(w.listen)
	if err != nil {
		return "", fmt.Errorf("the gateway's address: %w", err)
	}
	_, console, err := net.SplitHostPort(w.desk.console)
	if err != nil {
		return "", fmt.Errorf("the console's address: %w", err)
	}
	var integrations strings.Builder
	for _, i := range w.integrations {
		fmt.Fprintf(&integrations, "\t\tintegration %s {\n\t\t\tkey %s\n\t\t}\n", i.name, i.key.Hash())
	}
	return strings.NewReplacer(
		"{dir}", w.dir, "{discover}", w.sim.DiscoverURL(), "{record}", recordPath, "{integrations}\n", integrations.String(),
		"{issuer}", w.desk.provider.URL(), "{sso}", ssoPath, "{port}", port, "{mail}", w.desk.mail, "{host}", host, "{console}", console,
	).Replace(configText), nil
}

const configText = `{
	admin "unix/{dir}/admin|0600"
	persist_config off
	auto_https off
	storage file_system "{dir}/storage"
	log {
		output file "{dir}/caddy.log"
	}
	psa {
		secrets file "{dir}/secrets.json" {
			poll 1s
		}
		policy "{dir}/policies"
		login main {
			secret file {record}
			discover {discover}
			hosts 127.0.0.1
			insecure_http
			queue 256 15s
		}
{integrations}
		issuer demo {issuer} {
			client_id psagate
			client_secret secret file {sso}
		}
		mail support {
			smtp {mail}
			alias support@example.com {
				queue "Level I Support"
			}
		}
		audit {
			output file "{dir}/audit.log"
		}
	}
}

http://:{port} {
	bind {host}
	psa_web main
	psa_gateway
}

http://:{console} {
	bind 127.0.0.1
	psa_signin demo {
		groups staff
	}
	psa_console
}
`

// load starts the gateway: Caddy, in this process.
func (w *world) load() error {
	text, err := w.caddyfile()
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.path("Caddyfile"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the Caddyfile: %w", err)
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": w.path("Caddyfile")})
	if err != nil {
		return fmt.Errorf("adapting the Caddyfile: %w", err)
	}
	// Caddy keeps an id of this installation in its data directory, whatever its storage.
	if err := os.Setenv("XDG_DATA_HOME", w.dir); err != nil {
		return fmt.Errorf("keeping Caddy's data in %s: %w", w.dir, err)
	}
	caddy.BufferedLog() // what Caddy logs before it knows of caddy.log goes there too, and not to the terminal
	w.loaded = true
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	return nil
}

// unload stops the gateway.
func (w *world) unload() error {
	if !w.loaded {
		return nil
	}
	wire.CloseIdleConnections()
	if err := errors.Join(caddy.Stop(), caddymodule.Close()); err != nil {
		return fmt.Errorf("stopping the gateway: %w", err)
	}
	return nil
}
