package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/psagate/psagate/internal/secret"
)

// maxRecord is the largest record that is written, in bytes: Vault with its own storage takes no larger one, and what
// others take must not come to be more than is read here.
const maxRecord = 1 << 20

// writing is the request for a new version of a record, and whether Vault may have done it without saying so.
type writing struct {
	body    []byte
	data    []byte // the part that is the record
	secrets []secret.Value
	open    atomic.Bool
}

// newWriting makes the request for the version that follows one.
func newWriting(over content, set map[string]secret.Value) (*writing, error) {
	fields := map[string]json.RawMessage{}
	maps.Copy(fields, over.fields)
	for name, value := range set {
		fields[name], _ = json.Marshal(value.Reveal()) // of a string: it cannot fail
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, errors.New("it cannot be put into JSON")
	}
	if len(data) > maxRecord {
		return nil, fmt.Errorf("it would be larger than %d MiB", maxRecord>>20)
	}
	body, err := json.Marshal(map[string]any{
		"options": map[string]uint64{"cas": over.version.number},
		"data":    json.RawMessage(data),
	})
	w := &writing{body: body, data: data}
	w.secrets = texts(w.content())
	return w, err
}

// content is the record that is written, as a reading gives it.
func (w *writing) content() map[string]any { return decode(w.data) }

// watch notes when there is a connection for the request: from then on a byte of it may have gone out. When one does is told
// by another goroutine, and so maybe too late.
func (w *writing) watch(ctx context.Context) context.Context {
	if w == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { w.open.Store(true) }})
}

// answered notes an answer. One that sends us elsewhere or refuses the request says that nothing was done; all others do not.
func (w *writing) answered(status int) {
	if w != nil && status >= http.StatusMultipleChoices && status < http.StatusInternalServerError {
		w.open.Store(false)
	}
}

// isOpen tells whether it may have been done, as far as is known.
func (w *writing) isOpen() bool { return w.open.Load() }
