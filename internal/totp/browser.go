package totp

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// markLasts is how long a browser stays known that does not come again. Each right code gives it a new mark.
const markLasts = 180 * 24 * time.Hour

// mark is what a browser has that has proven itself: a random id, for one enrolment of one person.
type mark struct {
	id, enrolment string
	at            time.Time
}

const (
	markPurpose = "totp browser"
	maxMark     = 512 // bytes of a mark's text
)

// sealMark writes a mark as a text for a cookie.
func (e *Engine) sealMark(p Person, m mark) secret.Value {
	plain := binary.BigEndian.AppendUint64(nil, uint64(m.at.Unix()))
	plain = append(plain, byte(len(m.id)))
	plain = append(plain, m.id+m.enrolment...)
	return secret.NewValue(base64.RawURLEncoding.EncodeToString(e.cfg.Key().Seal(markPurpose, p.names(), plain)))
}

// openMark reads a browser's mark. One that is forged, another person's, too old, or of another enrolment is none.
func (e *Engine) openMark(p Person, text string, current *Enrolment, now time.Time) mark {
	m := e.readMark(p, text)
	if current == nil || m.enrolment != current.ID || now.Sub(m.at) >= markLasts {
		return mark{}
	}
	return m
}

func (e *Engine) readMark(p Person, text string) mark {
	if text == "" || len(text) > maxMark {
		return mark{}
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return mark{}
	}
	plain, _, err := e.cfg.Key().Open(markPurpose, p.names(), sealed)
	const head = 8 + 1
	if err != nil || len(plain) < head || len(plain) < head+int(plain[8]) {
		return mark{}
	}
	end := head + int(plain[8])
	return mark{
		id: string(plain[head:end]), enrolment: string(plain[end:]),
		at: time.Unix(int64(binary.BigEndian.Uint64(plain)), 0),
	}
}
