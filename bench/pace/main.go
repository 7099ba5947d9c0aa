// Command pace is an open loop: it makes calls at a constant rate, whether those before have been answered or not, as the
// programs of many customers do. A closed loop, which waits for an answer before it calls again, asks less of a server the
// slower it is, and so shows too good a latency.
//
// It is as lean as a client can be, because it shares the machine with what it measures: about 40 µs of CPU a call, where
// k6's constant-arrival-rate takes more than 100 µs, as much as the proxy itself.
//
// A call's latency is counted from the moment at which it was due, or at which this program woke up for it if that was
// later, to the last byte of its answer; so waiting for a connection counts. How late it woke up is told apart: that is
// the machine's trouble, not the server's.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"time"
)

func main() {
	var s settings
	flag.StringVar(&s.address, "address", "", "host:port to call")
	flag.StringVar(&s.method, "method", "GET", "")
	flag.StringVar(&s.path, "path", "/", "")
	flag.StringVar(&s.callers, "callers", "", "file with the callers, who take turns: a user name, a secret, and both as HTTP Basic has them on each line")
	flag.StringVar(&s.body, "body", "", "file with the body of each call")
	flag.StringVar(&s.operation, "operation", "", "SOAP's; empty for REST")
	flag.Float64Var(&s.rate, "rate", 100, "calls a second")
	flag.DurationVar(&s.warm, "warm", 500*time.Millisecond, "time before it counts")
	flag.DurationVar(&s.counted, "for", 5*time.Second, "time that it counts")
	flag.IntVar(&s.most, "connections", 1000, "most connections")
	flag.Parse()
	result, err := s.run()
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}
