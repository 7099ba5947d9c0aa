package caddymodule

import (
	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// keylessEncoder writes entries through another encoder, and no keys.
type keylessEncoder struct {
	keyless
	wrapped zapcore.Encoder
}

func newKeylessEncoder(wrapped zapcore.Encoder) keylessEncoder {
	return keylessEncoder{keyless{ObjectEncoder: wrapped}, wrapped}
}

// Clone implements zapcore.Encoder.
func (e *keylessEncoder) Clone() zapcore.Encoder {
	clone := newKeylessEncoder(e.wrapped.Clone())
	return &clone
}

// EncodeEntry implements zapcore.Encoder.
func (e *keylessEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	line, err := e.wrapped.EncodeEntry(entry, []zapcore.Field{zap.Inline(keylessFields(fields))})
	if err != nil {
		return nil, err
	}
	maskKeys(line)
	return line, nil
}

// keylessFields are an entry's fields as one, which the wrapped encoder adds to the entry without knowing what is left out.
type keylessFields []zapcore.Field

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (f keylessFields) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	var filtered zapcore.ObjectEncoder = keyless{ObjectEncoder: encoder}
	for _, field := range f {
		field.AddTo(filtered)
	}
	return nil
}

// maskKeys masks what looks like a key in a finished line: whichever field, message or error it came by.
func maskKeys(line *buffer.Buffer) {
	text := line.Bytes()
	if keyless := masked(text); len(keyless) < len(text) { // each key is longer than what stands for it
		line.Reset()
		_, _ = line.Write(keyless) // a buffer's Write never fails
	}
}
