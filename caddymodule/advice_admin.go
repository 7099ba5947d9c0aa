package caddymodule

import (
	"errors"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// admin warns of an admin endpoint that others than its owner reach. Caddy asks for no password there: the socket's
// permissions are all that protects it.
func (a *advice) admin(c *caddy.AdminConfig) {
	if c == nil { // then Caddy listens on its default
		c = new(caddy.AdminConfig)
	}
	a.addIf(c.Remote != nil, "admin-remote", "admin")
	if c.Disabled {
		a.add("admin-off", "admin")
		return
	}
	listen, err := caddy.NewReplacer().ReplaceOrErr(c.Listen, true, true)
	if listen == "" {
		listen = caddy.DefaultAdminListen
	}
	address, parseErr := caddy.ParseNetworkAddress(listen)
	switch {
	case err != nil || parseErr != nil:
		a.add("unseen", "admin", "who reaches the admin endpoint", errors.Join(err, parseErr))
	case address.IsUnixNetwork():
		a.adminSocket(address.Host)
	case address.IsFdNetwork():
		a.add("unseen", "admin", "who reaches the admin endpoint", "its socket was opened by another program")
	case isLoopback(address.Host):
		a.add("admin-tcp", "admin", listen)
	default:
		a.add("admin-network", "admin", listen)
	}
}

// adminSocket looks at a socket's path, which ends with its mode: Caddy's is 0200 where there is none.
func (a *advice) adminSocket(path string) {
	path, bits, found := strings.Cut(path, "|")
	if strings.HasPrefix(path, "@") {
		a.add("admin-abstract", "admin", path)
		return
	}
	mode, err := strconv.ParseUint(bits, 8, 32)
	a.addIf(found && err == nil && mode&0o077 != 0, "admin-socket", "admin", mode)
}
