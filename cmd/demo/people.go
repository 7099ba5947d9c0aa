package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/psagate/psagate/cmd/demo/provider"
)

// people are those who may come to the console.
var people = []provider.Person{
	{Subject: "ann", Name: "Ann", About: "looks after psagate: she is in the groups staff and admins.", Groups: []string{"staff", "admins"}},
	{Subject: "bob", Name: "Bob", About: "may look at it: he is in the group staff.", Groups: []string{"staff"}},
	{Subject: "eve", Name: "Eve", About: "has nothing to do with it: she is in the group sales.", Groups: []string{"sales"}},
}

// desk is what there is for people: a console, the provider by which they sign in to it, and a mailbox. All are on loopback addresses, wherever
// the gateway is: over plain HTTP nobody signs in elsewhere.
type desk struct {
	console  string // host and port
	mail     string // host and port where mails come in
	door     net.Listener
	provider *provider.Provider
	server   *http.Server
	secret   string // what the gateway proves itself to the provider with
}

// openDesk chooses addresses, the ones after the gateway's where they are free, and starts the provider.
func openDesk(gateway string) (*desk, error) {
	console, err := listenAfter(gateway, 1)
	if err != nil {
		return nil, fmt.Errorf("the console cannot listen: %w", err)
	}
	d := &desk{console: console.Addr().String(), secret: rand.Text()}
	if d.door, err = listenAfter(gateway, 2); err != nil {
		return nil, errors.Join(fmt.Errorf("the provider cannot listen: %w", err), console.Close())
	}
	mail, err := listenAfter(gateway, 3)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the mailbox cannot listen: %w", err), console.Close(), d.door.Close())
	}
	d.mail = mail.Addr().String()
	if err := errors.Join(console.Close(), mail.Close()); err != nil { // it is the gateway's to listen there
		return nil, errors.Join(err, d.door.Close())
	}
	client := provider.Client{ID: "psagate", Secret: d.secret, Callback: d.url() + "/psagate/callback/demo", SignedOut: d.url() + "/psagate/signed-out"}
	if d.provider, err = provider.New("http://"+d.door.Addr().String(), client, people); err != nil {
		return nil, errors.Join(err, d.door.Close())
	}
	d.server = &http.Server{Handler: d.provider, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, ErrorLog: log.New(os.Stderr, "provider: ", 0)}
	go func() { _ = d.server.Serve(d.door) }() // always ends in an error: ErrServerClosed
	return d, nil
}

// listenAfter listens on the loopback port that is so many after an address's, or on any free one.
func listenAfter(address string, n int) (net.Listener, error) {
	if _, text, err := net.SplitHostPort(address); err == nil {
		if port, err := strconv.Atoi(text); err == nil && port+n <= 65535 {
			if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+n))); err == nil {
				return l, nil
			}
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// url is the console's base URL.
func (d *desk) url() string { return "http://" + d.console }

func (d *desk) close() error {
	if d == nil {
		return nil
	}
	return d.server.Close()
}
