package audit

import (
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// timeLayout is how a line writes its time, always in UTC.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// appendBody appends the members of an entry that come after its kind, in an order that never changes.
func appendBody(b []byte, e *Entry) []byte {
	b = appendText(b, "phase", string(e.Phase))
	b = appendNumber(b, "of", e.Of)
	b = appendTrue(b, "again", e.Again)
	b = appendText(b, "event", e.Event)
	b = appendData(b, e.Data)
	b = appendText(b, "caller_kind", string(e.CallerKind))
	b = appendText(b, "caller", e.Caller)
	b = appendText(b, "issuer", e.Issuer)
	b = appendList(b, "groups", e.Groups)
	b = appendText(b, "key", e.Key)
	b = appendText(b, "address", e.Address)
	b = appendText(b, "login", e.Login)
	b = appendText(b, "credential_version", e.CredentialVersion)
	b = appendText(b, "zone", e.Zone)
	b = appendOperation(b, e)
	b = appendText(b, "decision", string(e.Decision))
	b = appendTrue(b, "observed", e.Observed)
	b = appendList(b, "reasons", e.Reasons)
	b = appendText(b, "decided_by", string(e.DecidedBy))
	b = appendText(b, "reason", e.Reason)
	b = appendNumber(b, "status", uint64(max(e.Status, 0)))
	return appendNumber(b, "duration_us", micros(e.Duration))
}

func appendOperation(b []byte, e *Entry) []byte {
	b = appendText(b, "method", e.Method)
	b = appendText(b, "api", e.API)
	b = appendText(b, "action", e.Action)
	b = appendText(b, "entity", e.Entity)
	b = appendText(b, "id", e.ID)
	b = appendText(b, "child", e.Child)
	b = appendText(b, "child_id", e.ChildID)
	b = appendList(b, "records", e.Records)
	b = appendText(b, "impersonates", e.Impersonates)
	b = appendList(b, "fields", e.Fields)
	b = appendList(b, "filters", e.Filters)
	b = appendList(b, "returns", e.Returns)
	return appendTrue(b, "fields_unknown", e.FieldsUnknown)
}

func micros(d time.Duration) uint64 { return uint64(max(d, 0) / time.Microsecond) }

func appendName(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendString(appendName(b, name), text)
}

func appendNumber(b []byte, name string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendUint(appendName(b, name), n, 10)
}

func appendTrue(b []byte, name string, is bool) []byte {
	if !is {
		return b
	}
	return append(appendName(b, name), "true"...)
}

func appendList(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, text)
	}
	return append(b, ']')
}

// appendData appends an object. What is in one has a space before each of its names and values: so nothing in it looks like the
// head or the end of a line, also where a line was torn behind it.
func appendData(b []byte, data map[string]string) []byte {
	if len(data) == 0 {
		return b
	}
	b = appendName(b, "data")
	sep := "{ "
	for _, name := range slices.Sorted(maps.Keys(data)) {
		b = appendString(append(b, sep...), name)
		b = appendString(append(b, ": "...), data[name])
		sep = ", "
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Nothing in it can end a line, or move a terminal's cursor; what is no UTF-8 becomes
// U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r < 0xa0 {
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		} else {
			b = utf8.AppendRune(b, r)
		}
		i += n
	}
	return append(b, '"')
}
