package inject

import (
	"net"
	"net/http"

	"github.com/psagate/psagate/internal/autotask"
)

// peoplesHeaders is the most of an answer's headers that is taken from the PSA's web pages, in bytes.
const peoplesHeaders = 1 << 20

// NewPeoplesTransport returns what reaches the PSA's web pages for people: no credential goes with it, so it needs no license, and may
// keep its connections as it likes. Of hosts that resolve to private addresses it reaches those alone that the rule names. It speaks
// HTTP/1.1 alone, for websockets. dial is for tests that connect in memory; nil connects with TCP.
func NewPeoplesTransport(rule autotask.HostRule, dial Dial) *http.Transport {
	if dial == nil {
		w := &Wire{rule: rule, dialer: net.Dialer{Timeout: dialPatience, KeepAliveConfig: net.KeepAliveConfig{Enable: true}}}
		dial = w.dial
	}
	t := transport(dial)
	t.MaxResponseHeaderBytes, t.ResponseHeaderTimeout = peoplesHeaders, patience
	return t
}
