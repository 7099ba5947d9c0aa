//go:build unix

package imaptest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Each brace pair needs lines of its own, and each path must be whole. What is said about users is for a server that is not
// root; the delays after a wrong password are for people who guess.
const dovecotConfig = `base_dir = DIR/run
state_dir = DIR/state
log_path = DIR/dovecot.log
listen = 127.0.0.1
protocols = imap
ssl = yes
ssl_cert = <DIR/cert.pem
ssl_key = <DIR/key.pem
disable_plaintext_auth = no
auth_mechanisms = MECHANISMS
auth_failure_delay = 0
auth_verbose = yes
mail_location = maildir:~/Maildir
first_valid_uid = 1
mail_max_userip_connections = 100
default_internal_user = OWNER
default_internal_group = GROUP
default_login_user = OWNER
default_process_limit = PROCESSES
CAPABILITY
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u DIR/users
  mechanisms = plain login
}
OAUTH
userdb {
  driver = static
  args = uid=UID gid=GID home=DIR/mail/%u allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  chroot =
  inet_listener imap {
    port = PLAINPORT
  }
  inet_listener imaps {
    port = TLSPORT
    ssl = yes
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  user =
}
service auth-worker {
  user =
}
service stats {
  chroot =
  user =
}
`

const oauthPassdb = `passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = DIR/oauth2.conf
}`

func (s *Server) config(options Options) string {
	_, plain, _ := net.SplitHostPort(s.Plain)
	_, over, _ := net.SplitHostPort(s.TLS)
	group, err := user.LookupGroupId(s.owner.Gid)
	if err != nil {
		s.t.Fatal(err)
	}
	mechanisms, oauth, capability := "plain login", "", ""
	if options.Introspect != "" {
		mechanisms, oauth = "plain "+cmp.Or(options.Mechanisms, "oauthbearer xoauth2"), strings.ReplaceAll(oauthPassdb, "DIR", s.dir)
	}
	if options.Capabilities != "" {
		capability = "imap_capability = " + options.Capabilities
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "mail", User, "Maildir", "new"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	for _, sub := range []string{"cur", "tmp"} {
		if err := os.MkdirAll(filepath.Join(s.maildir("INBOX"), sub), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	return strings.NewReplacer("DIR", s.dir, "MECHANISMS", mechanisms, "CAPABILITY", capability, "OAUTH", oauth,
		"PROCESSES", strconv.Itoa(20+len(options.Users)), // one for each connection with TLS
		"OWNER", s.owner.Username, "GROUP", group.Name, "UID", s.owner.Uid, "GID", s.owner.Gid, "PLAINPORT", plain, "TLSPORT", over).Replace(dovecotConfig)
}

func oauthConfig(introspect string) string {
	return "introspection_mode = post\nintrospection_url = " + introspect + `
client_id = dovecot
client_secret = dovecot-secret
username_attribute = username
active_attribute = active
active_value = true
timeout_msecs = 2000
`
}

// certificate makes one that vouches for itself.
func (s *Server) certificate() *x509.CertPool {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.write("cert.pem", string(cert))
	s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}
