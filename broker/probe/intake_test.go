package probe_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/broker/smtp"
)

// opened is an intake that listens until the test ends, and the mails that it keeps.
func opened(t *testing.T, change func(*smtp.Intake)) (address string, kept chan smtp.Mail) {
	t.Helper()
	kept = make(chan smtp.Mail, 10)
	in := smtp.Intake{
		Domain: "mail.example.test", Takes: func(to string) bool { return to == "support@example.test" || to == "sales@example.test" },
		Spool: func(_ context.Context, m smtp.Mail) error { kept <- m; return nil },
	}
	change(&in)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := in.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String(), kept
}

func TestAnIntakeThatWorks(t *testing.T) {
	cert, roots := certificate(t, "mail.example.test")
	address, kept := opened(t, func(in *smtp.Intake) {
		in.TLS, in.OnlyTLS = &tls.Config{Certificates: []tls.Certificate{cert}}, true
	})
	k := keys(t)
	test := probe.Test{Keys: k, Aliases: []string{"support@example.test", "sales@example.test"}, Intake: &probe.Intake{
		Address: address, TLS: true, Config: &tls.Config{RootCAs: roots}, Name: "mail.example.test", Deliver: true,
	}}
	steps := test.Run(t.Context())
	if got := results(steps); got != "intake ok, intake tls ok, intake aliases ok, intake relay ok, intake mail ok" {
		t.Fatalf("%s: %+v", got, steps)
	}
	mail := <-kept
	if m := message.Read(mail.Raw, message.Options{Own: k.Own}); m.Kind != message.Own {
		t.Errorf("it would become a ticket, as one that is %s:\n%s", m.Kind, mail.Raw)
	}
	test.Intake.Config = nil
	steps = test.Run(t.Context())
	want(t, steps, "intake tls", probe.Warn, "not everyone will trust the certificate")
	want(t, steps, "intake mail", probe.OK)
}

func TestAnIntakeThatDoesNotWork(t *testing.T) {
	plain, _ := opened(t, func(*smtp.Intake) {})
	elsewhere, _ := opened(t, func(in *smtp.Intake) { in.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	relay, kept := opened(t, func(in *smtp.Intake) { in.Takes = func(string) bool { return true } })
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	go func() {
		for {
			conn, err := web.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_ = conn.Close()
		}
	}()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, c := range map[string]struct {
		in     probe.Intake
		alias  string
		step   string
		result probe.Result
		words  string
	}{
		"nobody listens":      {probe.Intake{Address: gone.Addr().String()}, "support@example.test", "intake", probe.Failed, "nobody answers"},
		"a web server":        {probe.Intake{Address: web.Addr().String()}, "support@example.test", "intake", probe.Failed, "not as a mail server"},
		"other networks":      {probe.Intake{Address: elsewhere}, "support@example.test", "intake", probe.Warn, "takes no mails from this machine"},
		"no STARTTLS":         {probe.Intake{Address: plain, TLS: true}, "support@example.test", "intake tls", probe.Failed, "STARTTLS does not work"},
		"it is not to have":   {probe.Intake{Address: plain}, "support@example.test", "intake tls", probe.Skipped, "no TLS"},
		"an unknown alias":    {probe.Intake{Address: plain}, "nobody@example.test", "intake aliases", probe.Failed, "nobody@example.test"},
		"no alias":            {probe.Intake{Address: plain}, "", "intake aliases", probe.Warn, "no alias"},
		"an open relay":       {probe.Intake{Address: relay}, "support@example.test", "intake relay", probe.Failed, "spam"},
		"no keys for a probe": {probe.Intake{Address: plain, Deliver: true}, "support@example.test", "intake mail", probe.Skipped, "no key"},
	} {
		test := probe.Test{Intake: &c.in}
		if c.alias != "" {
			test.Aliases = []string{c.alias}
		}
		t.Run(name, func(t *testing.T) { want(t, test.Run(t.Context()), c.step, c.result, c.words) })
	}
	if len(kept) > 0 {
		t.Error("a mail was sent to find out whether a stranger's is taken")
	}
}
