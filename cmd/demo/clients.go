package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// client is a program that calls the PSA's REST API, at the gateway or at the PSA itself.
type client struct {
	name, base         string
	user, secret, code string
	jobs               []job
}

// job is a call that a program makes again and again.
type job struct {
	method, path, body string
	shows              string // what the body of a good answer has
	creates            bool   // body has a %q for the title of the ticket
}

var (
	readTicket    = job{method: "GET", path: "/Tickets/1", shows: `"ticketNumber"`}
	readCompany   = job{method: "GET", path: "/Companies/1", shows: `"companyName"`}
	queryContacts = job{
		method: "POST", path: "/Contacts/query", shows: `"emailAddress"`,
		body: `{"filter":[{"op":"eq","field":"companyID","value":1}]}`,
	}
	queryTickets = job{
		method: "POST", path: "/Tickets/query", shows: `"pageDetails"`,
		body: `{"MaxRecords":25,"filter":[{"op":"gt","field":"id","value":0}]}`,
	}
	createTicket = job{
		method: "POST", path: "/Tickets", shows: `"itemId"`, creates: true,
		body: `{"companyID":1,"title":%q,"status":1,"priority":1,"queueID":5,"dueDateTime":"2027-01-01T00:00:00Z"}`,
	}
)

// jobsOf says what each of the four integrations does.
var jobsOf = map[string][]job{
	"itglue":  {readCompany, queryContacts},
	"backup":  {createTicket, readTicket},
	"rmm":     {createTicket, queryTickets, readTicket},
	"reports": {queryTickets},
}

// clients are the four integrations at the gateway.
func (w *world) clients() []client {
	all := make([]client, 0, len(w.integrations))
	for _, i := range w.integrations {
		all = append(all, client{name: i.name, base: w.url(), user: i.name, secret: i.key.Reveal(), code: "anything", jobs: jobsOf[i.name]})
	}
	return all
}

// wire is what all clients share; it keeps as many connections as the largest stampede needs.
var wire = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: stampede}}

// client returns the integration of that name.
func (w *world) client(name string) client {
	clients := w.clients()
	return clients[slices.IndexFunc(clients, func(c client) bool { return c.name == name })]
}

// send makes one call. The answer's body must be closed.
func (c client) send(ctx context.Context, j job, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, j.method, c.base+"/ATServicesRest/V1.0"+j.path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("UserName", c.user)
	req.Header.Set("Secret", c.secret)
	req.Header.Set("ApiIntegrationCode", c.code)
	req.Header.Set("Content-Type", "application/json")
	return wire.Do(req)
}

// permitOf makes a call that the gateway refuses, and returns the line of Cedar that would permit it. It is one that the PSA would
// refuse too, and creates nothing.
func (c client) permitOf(ctx context.Context, j job) (string, error) {
	res, err := c.send(ctx, j, "{}")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	return permitIn(text)
}

// call makes one call and returns why it was not served; "" if it was.
func (c client) call(ctx context.Context, j job, title string) (reason string) {
	body := j.body
	if j.creates {
		body = fmt.Sprintf(j.body, title)
	}
	res, err := c.send(ctx, j, body)
	if err != nil {
		return "no answer"
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return "half an answer"
	case res.StatusCode == http.StatusOK && bytes.Contains(text, []byte(j.shows)):
		return ""
	case res.Header.Get("Psagate-Reason") != "":
		return res.Header.Get("Psagate-Reason")
	case res.StatusCode == http.StatusUnauthorized && len(text) == 0:
		return "bare 401"
	}
	return fmt.Sprintf("status %d", res.StatusCode)
}

const (
	workers = 2                      // calls that a program makes at once
	pause   = 100 * time.Millisecond // between two calls of a worker
)

// traffic is clients that call until they are stopped.
type traffic struct {
	stopped chan struct{}
	all     sync.WaitGroup
}

// start lets clients call; the tally counts.
func start(ctx context.Context, t *tally, clients []client) *traffic {
	tr := &traffic{stopped: make(chan struct{})}
	for _, c := range clients {
		for i := range workers {
			tr.all.Go(func() { tr.work(ctx, t, c, i) })
		}
	}
	return tr
}

func (tr *traffic) work(ctx context.Context, t *tally, c client, first int) {
	for n := first; ; n++ {
		t.call(ctx, c, c.jobs[n%len(c.jobs)])
		select {
		case <-tr.stopped:
			return
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// stop ends the traffic when the calls under way have been answered.
func (tr *traffic) stop() {
	close(tr.stopped)
	tr.all.Wait()
}

// callOn lets each integration call once a second until the context ends, so that there is traffic to look at. What comes of it
// is in the gateway's log and in its audit log. Calls under way end first: their lines are written before the files go.
func (w *world) callOn(ctx context.Context) {
	var all sync.WaitGroup
	for _, c := range w.clients() {
		all.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					_ = c.call(context.WithoutCancel(ctx), c.jobs[n%len(c.jobs)], fmt.Sprintf("Ticket %d of %s", n, c.name))
				}
			}
		})
	}
	all.Wait()
}
