// Command upstream stands in for a PSA while psagate is measured: it answers at once, or after a fixed delay, and costs as
// little as a server can. It is no simulator; psagate's own sign-in check and zone lookup are answered so that it serves.
//
// What comes without the one credential is a 401, so that a subject that does not put it on its calls fails the run.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

func main() {
	fast := flag.String("fast", "127.0.0.1:0", "address that answers at once")
	slow := flag.String("slow", "127.0.0.1:0", "address that answers after -delay")
	delay := flag.Duration("delay", 20*time.Millisecond, "what the slow address waits before it answers")
	secret := flag.String("secret", "", "the password that every call must come with")
	flag.Parse()
	failed := make(chan error)
	for _, door := range []struct {
		address string
		delay   time.Duration
	}{{*fast, 0}, {*slow, *delay}} {
		listener, err := net.Listen("tcp", door.address)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(listener.Addr())
		server := &http.Server{Handler: newPSA("http://"+listener.Addr().String(), *secret, door.delay), ReadHeaderTimeout: time.Minute}
		go func() { failed <- server.Serve(listener) }()
	}
	log.Fatal(<-failed)
}
