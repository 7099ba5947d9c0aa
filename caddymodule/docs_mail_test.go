package caddymodule

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// What the page of mail shows of a Caddyfile is a mail block, or a part of one.
func TestThePageOfMailShowsBlocksThatAreRight(t *testing.T) {
	parts := 0
	for _, text := range fences(t, "../docs/mail.md", "") {
		switch word, _, _ := strings.Cut(text, " "); word {
		case "mail":
		case "imap", "fallback":
			text = "mail support {\nalias support@example.com\n" + text + "}\n"
		default:
			t.Errorf("neither a mail block nor a part of one:\n%s", text)
			continue
		}
		parts++
		mustAdapt(t, string(caddyfile.Format([]byte("{\npsa {\nsecrets vault https://vault.example.com:8200 {\nauth token {env.T}\n}\nlogin main {\nsecret vault autotask/main\n}\n"+text+"}\n}\n"))))
	}
	if parts < 5 {
		t.Errorf("%d blocks", parts)
	}
}
