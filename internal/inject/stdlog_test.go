package inject

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// lines is a writer that hands each line over.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// The line is net/http's own: where it is worded anew, this goes red.
func TestWhatAServerSendsUnaskedIsNotInTheStandardLog(t *testing.T) {
	got := make(lines, 8)
	log.SetOutput(got)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	cutStandardLog()
	cutStandardLog() // a second time changes nothing
	server := twiceAnswering(t)
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + server)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if line := <-got; !strings.HasSuffix(line, unsolicited+"\n") || strings.Contains(line, "hunter2") {
		t.Errorf("%q", line)
	}
	log.Print("anything else")
	if line := <-got; !strings.HasSuffix(line, "anything else\n") {
		t.Errorf("%q", line)
	}
}

// twiceAnswering is a server that answers one request with two answers.
func twiceAnswering(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			const one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
			_, _ = io.WriteString(conn, one+strings.Replace(one, "\r\n\r\n", "\r\nX-Debug: hunter2\r\n\r\n", 1))
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	return l.Addr().String()
}
