package console

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzConsole asks for whatever address, and sends whatever form with a proof that is right, of somebody who may check logins and
// nothing else: nothing is drawn that is more than text, and nothing else is done.
func FuzzConsole(f *testing.F) {
	for _, seed := range [][3]string{
		{"", "", ""},
		{"login", "name=main", ""},
		{"failures", "since=1h", ""},
		{"act", "do=disable&on=itglue", "do=disable&on=itglue&reason=x"},
		{"act", "do=check&on=main", "do=check&on=main"},
		{"act", "do=new_secret&on=main", "do=new_secret&on=main&version=7&secret=a&again=a"},
		{"act", "do=release&on=main", "do=release&on=main&seq=17&next_seq=x"},
		{"act", "do=show_code&on=main", "do=show_code&on=main"},
		{"act", "do=end_session&on=%2F..&issuer=a%2Fb&session=<script>", "do=end_session&on=ann&issuer=corp&session=1"},
		{"act", "do=reset_factor&on=bob&issuer=corp", "do=reset_factor&on=bob&issuer=corp"},
		{"mail", "", ""},
		{"mailbox", "name=support&state=dead&text=<script>&from=7", ""},
		{"message", "name=support&mail=1", ""},
		{"act", "do=read_mail&on=support&mail=1", "do=read_mail&on=support&mail=1"},
		{"act", "do=drop_mail&on=support&mail=-1", "do=drop_mail&on=support&mail=1&reason=<script>"},
		{"done", "id=<script>", ""},
		{"live", "page=settings", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	w := newTeam(f)
	w.mailed()
	w.permits(`permit (principal, action == Action::"check", resource is Login);`)
	ann := w.operator()
	site, err := url.Parse(w.server.URL)
	if err != nil {
		f.Fatal(err)
	}
	proof := formFields.FindStringSubmatch(ann.opened("/console/act?do=check&on=main").body)[2]
	f.Fuzz(func(t *testing.T, page, query, form string) {
		if page == pageLive {
			if asked, _ := url.ParseQuery(query); w.console.lives[asked.Get("page")] != nil {
				return // a stream does not end
			}
		}
		for method, body := range map[string]string{http.MethodGet: "", http.MethodPost: form + "&proof=" + proof} {
			r := httptest.NewRequest(method, "/", strings.NewReader(body))
			r.URL, r.Host, r.TLS = &url.URL{Path: "/" + page, RawQuery: query}, site.Host, new(tls.ConnectionState)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept", "text/html")
			for _, c := range ann.Jar.Cookies(site) {
				r.AddCookie(c)
			}
			rw := httptest.NewRecorder()
			w.gate.ServeHTTP(rw, r)
			if text := rw.Body.String(); strings.Contains(text, "<script>") || strings.Contains(text, "492039") {
				t.Errorf("%s %s: %d %s", method, r.URL, rw.Code, text)
			}
		}
		for _, did := range w.all() {
			if !strings.Contains(did, " checks ") {
				t.Errorf("it did %s", did)
			}
		}
	})
}
