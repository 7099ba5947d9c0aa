package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

// requests returns the bytes of one call for each caller.
func (s settings) requests() ([]net.Buffers, error) {
	callers, err := os.ReadFile(s.callers)
	if err != nil {
		return nil, err
	}
	var body []byte
	if s.body != "" {
		if body, err = os.ReadFile(s.body); err != nil {
			return nil, err
		}
	}
	var all []net.Buffers
	for line := range strings.Lines(string(callers)) {
		caller := strings.Fields(line)
		if len(caller) != 3 {
			return nil, fmt.Errorf("%s: %q is no caller", s.callers, line)
		}
		all = append(all, net.Buffers{s.head(caller[0], caller[1], caller[2], len(body)), body})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no callers", s.callers)
	}
	return all, nil
}

// head is the head of a call, who calls written as the interface wants it.
func (s settings) head(user, secret, basic string, length int) []byte {
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", s.method, s.path, s.address)
	kind := "application/json"
	if s.operation != "" {
		kind = "text/xml; charset=utf-8"
		fmt.Fprintf(&head, "Authorization: Basic %s\r\nSOAPAction: \"http://autotask.net/ATWS/v1_6/%s\"\r\n", basic, s.operation)
	} else {
		fmt.Fprintf(&head, "UserName: %s\r\nSecret: %s\r\nApiIntegrationCode: BENCH\r\nAccept-Encoding: gzip\r\n", user, secret)
	}
	if s.body != "" {
		fmt.Fprintf(&head, "Content-Type: %s\r\nContent-Length: %d\r\n", kind, length)
	}
	head.WriteString("\r\n")
	return head.Bytes()
}

// connection is kept from one call to the next.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func (s settings) dial() (*connection, error) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReaderSize(conn, 32<<10)}, nil
}

// call makes one call and reads its answer to the end. An answer that is not 2xx, or none, is an error.
func (c *connection) call(request net.Buffers) error {
	for _, part := range request {
		if len(part) == 0 {
			continue
		}
		if _, err := c.Write(part); err != nil {
			return err
		}
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		return fmt.Errorf("%s %s: %s", answer.Status, answer.Header.Get("Psagate-Reason"), text)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
