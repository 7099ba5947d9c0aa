package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// field is one field of a head, its name and value as they go onto the wire.
type field struct{ name, value string }

// framed is a request in frames, which no client would send.
type framed struct {
	head    []field
	body    string
	trailer []field
}

// ask is a framed call for a ticket without a key; each change is put in the place of the field of that name, or behind
// the others.
func (x *wire) ask(changes ...field) framed {
	head := []field{{":method", "GET"}, {":scheme", "https"}, {":authority", x.address}, {":path", aTicket}}
	for _, c := range changes {
		replaced := false
		for i := range head {
			if head[i].name == c.name && strings.HasPrefix(c.name, ":") {
				head[i], replaced = c, true
			}
		}
		if !replaced {
			head = append(head, c)
		}
	}
	return framed{head: head}
}

// speaker says a framed request on a connection of its own and returns what is heard: an answer's status and reason,
// "reset" where the stream was, and "gone" where the connection was.
type speaker func(x *wire, r framed) string

// inHTTP2 says it without TLS, as who knows that the server takes that.
func inHTTP2(x *wire, r framed) string {
	x.Helper()
	conn, err := net.Dial("tcp", x.address)
	if err != nil {
		x.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fr := http2.NewFramer(conn, conn)
	fr.AllowIllegalWrites = true
	var out bytes.Buffer
	encoder := hpack.NewEncoder(&out)
	block := func(fields []field) []byte {
		out.Reset()
		for _, f := range fields {
			_ = encoder.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}) // to memory
		}
		return bytes.Clone(out.Bytes())
	}
	_, _ = io.WriteString(conn, http2.ClientPreface) // who is cut off hears it
	_ = fr.WriteSettings()
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(r.head), EndHeaders: true, EndStream: r.body == "" && r.trailer == nil})
	if r.body != "" {
		_ = fr.WriteData(1, r.trailer == nil, []byte(r.body))
	}
	if r.trailer != nil {
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(r.trailer), EndHeaders: true, EndStream: true})
	}
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	return hearFrames(x, fr)
}

// hearFrames reads until the first stream has an answer or an end.
func hearFrames(x *wire, fr *http2.Framer) string {
	x.Helper()
	for {
		frame, err := fr.ReadFrame()
		if err != nil {
			return "gone"
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = fr.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			a := answer{header: http.Header{}}
			for _, f := range frame.Fields {
				a.header.Add(f.Name, f.Value)
			}
			return framedAnswer(a.header)
		case *http2.RSTStreamFrame:
			return "reset"
		case *http2.GoAwayFrame:
			return "gone"
		}
	}
}

func framedAnswer(h http.Header) string {
	return strings.TrimSpace(h.Get(":status") + " " + h.Get("Psagate-Reason"))
}

// inHTTP3 says it over QUIC.
func inHTTP3(x *wire, r framed) string {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.Context(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, x.secure, &tls.Config{RootCAs: x.roots, ServerName: "127.0.0.1", NextProtos: []string{http3.NextProtoH3}}, nil)
	if err != nil {
		x.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0x100, "") }() // H3_NO_ERROR
	control, err := conn.OpenUniStream()
	if err != nil {
		x.Fatal(err)
	}
	_, _ = control.Write([]byte{0, 4, 0}) // it is the control stream, and these are no settings
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		x.Fatal(err)
	}
	_ = stream.SetDeadline(time.Now().Add(patience))
	said := frame3(1, fields3(r.head))
	if r.body != "" {
		said = append(said, frame3(0, []byte(r.body))...)
	}
	if r.trailer != nil {
		said = append(said, frame3(1, fields3(r.trailer))...)
	}
	_, _ = stream.Write(said) // who is cut off hears it
	_ = stream.Close()
	heard, err := io.ReadAll(stream)
	return heardIn3(x, heard, err)
}

// frame3 is a frame of HTTP/3.
func frame3(kind byte, payload []byte) []byte {
	return append(quicvarint.Append([]byte{kind}, uint64(len(payload))), payload...)
}

func fields3(fields []field) []byte {
	var out bytes.Buffer
	encoder := qpack.NewEncoder(&out)
	for _, f := range fields {
		_ = encoder.WriteField(qpack.HeaderField{Name: f.name, Value: f.value}) // to memory
	}
	_ = encoder.Close()
	return out.Bytes()
}

// heardIn3 finds the answer's head, which is the first frame.
func heardIn3(x *wire, heard []byte, end error) string {
	x.Helper()
	var reset *quic.StreamError
	if len(heard) == 0 && errors.As(end, &reset) {
		return "reset"
	}
	in := bytes.NewReader(heard)
	kind, _ := quicvarint.Read(in)
	length, err := quicvarint.Read(in)
	if kind != 1 || err != nil || uint64(in.Len()) < length {
		return "gone"
	}
	block := make([]byte, length)
	_, _ = io.ReadFull(in, block) // it is there
	h, next := http.Header{}, qpack.NewDecoder().Decode(block)
	for f, err := next(); err == nil; f, err = next() {
		h.Add(f.Name, f.Value)
	}
	return framedAnswer(h)
}
