package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// startTLS asks a server for TLS (RFC 9051 section 6.2.1). The library's own way hangs where the connection ends within the
// server's answer, and believes what was said before TLS began. Here nothing is read beyond that answer: what somebody puts
// after it is taken for TLS, and is none.
func startTLS(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	greeting, err := readLine(conn)
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	if word, rest, _ := strings.Cut(strings.TrimPrefix(greeting, "* "), " "); !strings.EqualFold(word, "OK") {
		return nil, &imap.Error{Type: imap.StatusResponseType(word), Text: rest}
	}
	if _, err := io.WriteString(conn, "S STARTTLS\r\n"); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	for range 20 { // what a server may say by the way
		line, err := readLine(conn)
		if err != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		answer, ours := strings.CutPrefix(line, "S ")
		if !ours {
			continue
		}
		if word, rest, _ := strings.Cut(answer, " "); !strings.EqualFold(word, "OK") {
			return nil, &imap.Error{Type: imap.StatusResponseType(word), Text: rest}
		}
		over := tls.Client(conn, config)
		return over, over.HandshakeContext(ctx)
	}
	return nil, errTalk
}

// lineMost is the longest line that a server may write before TLS.
const lineMost = 8 << 10

// readLine reads to the end of a line and no further.
func readLine(conn net.Conn) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < lineMost; {
		if _, err := io.ReadFull(conn, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, one[0])
	}
	return "", errTalk
}

// greeted is a connection on which the server has said its first words already: the library waits for them.
type greeted struct {
	net.Conn
	first io.Reader
}

func greet(conn net.Conn) net.Conn {
	return greeted{conn, io.MultiReader(strings.NewReader("* OK\r\n"), conn)}
}

func (g greeted) Read(p []byte) (int, error) { return g.first.Read(p) }
