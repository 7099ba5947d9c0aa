package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// alerts are whom the story's psagate tells: somebody who listens, and somebody who never answers. The paths of their
// addresses and the token are secrets.
const alerts = `
	psa {
		alerts {
			webhook {env.ALERTS_URL} {
				header Authorization {env.ALERTS_TOKEN}
			}
			webhook {env.ALERTS_DEAF}
			every 1s
		}
	}`

// beAlerted listens to alerts, and keeps them for the search.
func (s *story) beAlerted() {
	s.Helper()
	path, deaf, token := s.unheardOf("path of alerts"), s.unheardOf("path that nobody listens at"), s.unheardOf("token of alerts")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/"+path || r.Header.Get("Authorization") != "Bearer "+token || !strings.Contains(string(body), `"text"`) {
			s.Errorf("an alert came to %s: %s", r.URL.Path, body)
		}
		s.heard.add(place{name: "an alert", text: body})
		w.WriteHeader(http.StatusInternalServerError + len(body)%2) // what is sent again is searched again
		_, _ = io.WriteString(w, "you sent "+r.URL.Path+" "+token)
	}))
	s.Cleanup(server.Close)
	s.env = append(s.env, "ALERTS_URL="+server.URL+"/"+path, "ALERTS_DEAF=http://"+freeAddress(s.T)+"/"+deaf, "ALERTS_TOKEN=Bearer "+token)
}

// unheardOf returns a text that is hidden.
func (s *story) unheardOf(name string) string {
	text := newKey(s.T).Reveal()[8:30]
	s.hide("the "+name, text)
	return text
}

// alerted has psagate test the alerts, and say what came of it.
func (s *story) alerted() {
	s.says("alerts test", 1, "answered 50")
	s.until("it is logged that alerts do not arrive", func() bool { return strings.Contains(s.read("default.log"), "alerts do not arrive") })
}
