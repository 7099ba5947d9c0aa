package caddymodule

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap/zapcore"
)

// keyless passes log fields on, without those headers that carry credentials.
type keyless struct {
	zapcore.ObjectEncoder
	// inHeaders: the fields are an HTTP message's headers.
	inHeaders bool
}

// AddObject implements zapcore.ObjectEncoder.
func (k keyless) AddObject(key string, object zapcore.ObjectMarshaler) error {
	if k.drops(key) {
		return nil
	}
	return k.ObjectEncoder.AddObject(key, keylessObject{object, isHeaders(key)})
}

// AddArray implements zapcore.ObjectEncoder; a header's values are one.
func (k keyless) AddArray(key string, array zapcore.ArrayMarshaler) error {
	if k.drops(key) {
		return nil
	}
	return k.ObjectEncoder.AddArray(key, array)
}

// AddString implements zapcore.ObjectEncoder.
func (k keyless) AddString(key, value string) {
	if !k.drops(key) {
		k.ObjectEncoder.AddString(key, value)
	}
}

// AddBinary implements zapcore.ObjectEncoder. It masks here, as a wrapped format may write base64.
func (k keyless) AddBinary(key string, value []byte) {
	if !k.drops(key) {
		k.ObjectEncoder.AddBinary(key, masked(value))
	}
}

// AddReflected implements zapcore.ObjectEncoder.
func (k keyless) AddReflected(key string, value any) error {
	if k.drops(key) {
		return nil
	}
	return k.ObjectEncoder.AddReflected(key, value)
}

func (k keyless) drops(key string) bool { return k.inHeaders && carriesCredential(key) }

// keylessObject is an object whose fields pass through keyless.
type keylessObject struct {
	zapcore.ObjectMarshaler
	areHeaders bool
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (o keylessObject) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	return o.ObjectMarshaler.MarshalLogObject(keyless{ObjectEncoder: encoder, inHeaders: o.areHeaders})
}

// isHeaders tells whether a field of that name holds headers: request>headers, and resp_headers.
func isHeaders(key string) bool { return key == "headers" || key == "resp_headers" }

// carriesCredential tells whether a header may carry a credential, however its name is spelt.
func carriesCredential(header string) bool {
	name := plainName(header, make([]byte, 0, 64))
	switch string(name) {
	case "username", "apiintegrationcode", "cookie", "setcookie":
		return true
	}
	for _, part := range credentialParts {
		if bytes.Contains(name, part) {
			return true
		}
	}
	return false
}

// credentialParts are what else the name of a header with a credential has in it.
var credentialParts = [][]byte{[]byte("secret"), []byte("authorization"), []byte("apikey"), []byte("token"), []byte("password")}

// plainName appends a header's name in lower case and without what stands between words. It is asked for each header of
// each line of an access log, so it makes no strings of the names that HTTP has.
func plainName(header string, name []byte) []byte {
	for i := range len(header) {
		switch c := header[i]; {
		case c >= utf8.RuneSelf:
			return append(name[:0], betweenWords.Replace(strings.ToLower(header))...)
		case c == '-', c == '_', c == ' ':
		case 'A' <= c && c <= 'Z':
			name = append(name, c+'a'-'A')
		default:
			name = append(name, c)
		}
	}
	return name
}

// betweenWords takes away what stands between the words of a header's name.
var betweenWords = strings.NewReplacer("-", "", "_", "", " ", "")
