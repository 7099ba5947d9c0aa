package probe

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Intake is where mails come in by SMTP.
type Intake struct {
	// Address is the host:port that it listens on, as it is reached from here.
	Address string
	// TLS says that it should offer STARTTLS. Config is used for that where it is not nil, for own roots. Name is what the
	// certificate should be for; Address's host where it is empty.
	TLS    bool
	Config *tls.Config
	Name   string
	// Deliver hands a mail to it, for the first alias.
	Deliver bool
	// Dial opens a connection, as net.Dialer.DialContext does, which is used where it is nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// intakeTime is how long all of it may take.
const intakeTime = 30 * time.Second

var intakeNeeds = []string{"intake tls", "intake aliases", "intake relay"}

// intake asks it as a mail server does that has a mail to hand on.
func (r *run) intake(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, intakeTime)
	defer cancel()
	var c *smtp.Client
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	names := intakeNeeds
	if r.Intake.Deliver {
		names = append(names[:len(names):len(names)], "intake mail")
	}
	if !r.step("intake", func() (f found, err error) {
		c, f, err = r.greet(ctx)
		return f, err
	}) {
		r.skip("not tried, since “intake” failed", names...)
		return
	}
	if c == nil { // it told us to go, as it should
		r.skip("not tried: mails are not taken from this machine", names...)
		return
	}
	if !r.Intake.TLS {
		r.skip("not tried: the config has no TLS for it", "intake tls")
	} else if !r.step("intake tls", func() (f found, err error) {
		secured, f, err := r.startTLS(ctx)
		if secured != nil {
			_ = c.Close()
			c = secured
		}
		return f, err
	}) {
		r.skip("not tried, since “intake tls” failed", names[1:]...)
		return
	}
	r.step("intake aliases", func() (found, error) { return r.takes(c) })
	r.step("intake relay", func() (found, error) { return r.relays(c) })
	if r.Intake.Deliver {
		r.deliver(c)
	}
	_ = c.Quit()
}

// connect opens a connection that ends with the context.
func (in Intake) connect(ctx context.Context) (net.Conn, error) {
	dial := in.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", in.Address)
	if err != nil {
		return nil, fmt.Errorf("nobody answers at %s: %s; is the server running with this config, and is the port right?", in.Address, printable(plain(err)))
	}
	if end, is := ctx.Deadline(); is {
		_ = conn.SetDeadline(end)
	}
	return conn, nil
}

// greet says hello. Without a client, and without an error, mails are not taken from here.
func (r *run) greet(ctx context.Context) (*smtp.Client, found, error) {
	conn, err := r.Intake.connect(ctx)
	if err != nil {
		return nil, found{}, err
	}
	c := smtp.NewClient(conn)
	err = c.Hello("localhost")
	if err == nil {
		f, err := ok("%s answers", r.Intake.Address)
		return c, f, err
	}
	_ = c.Close()
	if said := new(smtp.SMTPError); errors.As(err, &said) && said.Code == 554 {
		f, err := warn("To test it from here, add this machine to the networks that may bring mails; or test from one that may.", "%s answers, and takes no mails from this machine; it says %s", r.Intake.Address, saying(said))
		return nil, f, err
	}
	return nil, found{}, fmt.Errorf("%s answers, but not as a mail server: %s", r.Intake.Address, answered(err))
}

// startTLS begins anew, with TLS. A certificate that this machine does not trust is no failure: most mail servers ask for none.
func (r *run) startTLS(ctx context.Context) (*smtp.Client, found, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.Intake.Config != nil {
		config = r.Intake.Config.Clone()
	}
	config.ServerName = r.Intake.Name
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(r.Intake.Address)
	}
	c, err := r.tlsClient(ctx, config)
	if err == nil {
		state, _ := c.TLSConnectionState()
		f, err := ok("STARTTLS works (%s), and the certificate is for %s", tls.VersionName(state.Version), config.ServerName)
		return c, f, err
	}
	if bad := new(tls.CertificateVerificationError); !errors.As(err, &bad) {
		return nil, found{}, fmt.Errorf("STARTTLS does not work: %s", answered(err))
	}
	config.InsecureSkipVerify = true // to go on: nothing secret is sent
	c, again := r.tlsClient(ctx, config)
	if again != nil {
		return nil, found{}, fmt.Errorf("STARTTLS does not work: %s", answered(again))
	}
	f, err := warn("Most mail servers do not mind; one that does hands its mails on only with a certificate for the name that it knows this server by.", "STARTTLS works, but not everyone will trust the certificate: %s", printable(err.Error()))
	return c, f, err
}

func (r *run) tlsClient(ctx context.Context, config *tls.Config) (*smtp.Client, error) {
	conn, err := r.Intake.connect(ctx)
	if err != nil {
		return nil, err
	}
	c, err := smtp.NewClientStartTLS(conn, config)
	if err == nil {
		// The handshake, and what the server can do now. The library does both with the first command.
		err = c.Noop()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// takes asks for each alias. No mail is sent.
func (r *run) takes(c *smtp.Client) (found, error) {
	if len(r.Aliases) == 0 {
		return warn("Give the mailbox an alias.", "the mailbox has no alias, so no mail is taken for it")
	}
	for _, alias := range r.Aliases {
		if err := asks(c, alias); err != nil {
			return found{}, fmt.Errorf("it does not take mails for %s: %s", alias, answered(err))
		}
	}
	return ok("it takes mails for %s", strings.Join(r.Aliases, ", "))
}

// relays asks for an address of nobody.
func (r *run) relays(c *smtp.Client) (found, error) {
	stranger := strings.ToLower(rand.Text()) + "@relay.invalid" // RFC 2606
	err := asks(c, stranger)
	said := new(smtp.SMTPError)
	switch {
	case err == nil:
		return found{}, fmt.Errorf("it takes mails for %s, which is no address of this mailbox: spam could be sent by it; is this psagate's port, or that of a server before it that takes all?", stranger)
	case !errors.As(err, &said) || said.Code/100 != 5:
		return found{}, fmt.Errorf("it does not say clearly whether it takes mails for others: %s", answered(err))
	}
	return ok("it takes mails for nobody else")
}

// asks begins a mail to an address, and forgets it.
func asks(c *smtp.Client, to string) error {
	if err := c.Mail("", nil); err != nil {
		return err
	}
	err := c.Rcpt(to, nil)
	if reset := c.Reset(); err == nil {
		err = reset
	}
	return err
}

// deliver hands a mail in.
func (r *run) deliver(c *smtp.Client) {
	switch {
	case !r.marks():
		r.skip("not tried: there is no key to mark mails with, so that none becomes a ticket", "intake mail")
	case len(r.Aliases) == 0:
		r.skip("not tried: the mailbox has no alias", "intake mail")
	default:
		r.step("intake mail", func() (found, error) {
			to := r.Aliases[0]
			l := r.letter(r.from(), to)
			if err := c.SendMail("", []string{to}, strings.NewReader(string(l.raw))); err != nil {
				return found{}, fmt.Errorf("a mail to %s was not taken: %s", to, answered(err))
			}
			return ok("a mail to %s was taken, and is kept as a test", to)
		})
	}
}
