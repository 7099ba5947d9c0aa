// Command demo shows psagate at work with nothing else installed: a simulated PSA that locks its users, the gateway and
// four integrations, all in one process. It changes passwords and zones under their traffic and tells, from the PSA's
// own ledger of sign-ins, what that cost. Mails become tickets meanwhile. Then people come, by a provider that is the demo's own: it is their browser, too.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Usage: go run ./cmd/demo [-listen ADDRESS] [-once]
       go run ./cmd/demo -simulator [-listen ADDRESS]

Starts a simulated PSA, a secret store, the gateway and four integrations in one
process, and tells a story of about a minute: what happens when passwords and
zones change while calls run and mails come, what people see of that who sign in
to the console, and what they may do. Every number about sign-ins at the PSA comes from
the ledger of the simulated PSA, not from psagate. Afterwards the gateway and
the console stay up until Ctrl-C, the integrations go on calling, and there are
lines to copy. All files are in a temporary directory, which is kept only if a
promise was broken.

The console is at 127.0.0.1, at the port after the gateway's, the provider by
which people sign in at the one after that, and mails come in by SMTP at the
third, where these are free.

With -simulator it starts the simulated PSA alone, for trying a client of your
own: a page that shows its ledger, a discovery host and two zones, on four ports
in a row.

Exit status: 0 if every promise held, 1 if one was broken or the story did not
end, 2 for wrong usage.

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are what the command line says.
type options struct {
	listen    string
	once      bool
	simulator bool
}

func run(args []string, out *os.File, errs io.Writer) (status int) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&o.listen, "listen", "", "`address` of the gateway, or of the simulator's page; port 0 is any free one\n(default 127.0.0.1:8080, with -simulator 127.0.0.1:9000)")
	flags.BoolVar(&o.once, "once", false, "end after the story")
	flags.BoolVar(&o.simulator, "simulator", false, "start the simulated PSA alone")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(errs, "demo takes no arguments, and got %q; -h shows its options\n", flags.Args())
		return 2
	case o.simulator && o.once:
		fmt.Fprintln(errs, "demo: -once ends a story, and -simulator tells none: leave one out")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := launch(ctx, o, newTerminal(out)); err != nil {
		fmt.Fprintf(errs, "demo: %v\n", err)
		return 1
	}
	return 0
}

// launch does what the options say.
func launch(ctx context.Context, o options, t *terminal) error {
	if o.simulator {
		return simulate(ctx, cmp.Or(o.listen, "127.0.0.1:9000"), t)
	}
	o.listen = cmp.Or(o.listen, "127.0.0.1:8080")
	return show(ctx, o, t)
}

// show tells the whole story. Its error says what did not start, or which promises were broken.
func show(ctx context.Context, o options, t *terminal) (err error) {
	w, err := newWorld(o.listen)
	if err != nil {
		return err
	}
	var findings []finding
	defer func() { err = errors.Join(err, w.close(broken(findings) == nil)) }()
	t.opening(w)
	if findings, err = tell(ctx, w, t, story); err != nil {
		return err
	}
	t.ending(findings, w.sim.Ledger().Of(w.user.Name()), w.sim.Ledger().Of(w.direct.Name()))
	if !o.once {
		t.invitation(w)
		w.callOn(ctx)
		t.say("", "Stopped.")
	}
	return broken(findings)
}
