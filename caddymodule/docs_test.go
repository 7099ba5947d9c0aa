package caddymodule

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// fences returns a page's blocks of a kind, without the indent of a list.
func fences(t *testing.T, page, kind string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == kind {
			blocks = append(blocks, strings.ReplaceAll("\n"+m[2], "\n   ", "\n")[1:])
		}
	}
	return blocks
}

func TestTheREADMEsCaddyfilesAreRightAndFormatted(t *testing.T) {
	blocks := fences(t, "../README.md", "caddyfile")
	if len(blocks) == 0 {
		t.Fatal("there are none")
	}
	for _, text := range blocks {
		mustAdapt(t, text)
		if !bytes.Equal([]byte(text), caddyfile.Format([]byte(text))) {
			t.Errorf("not as `caddy fmt` writes it:\n%s", text)
		}
	}
}

// The grammar of the settings page, filled in, is a config: so no word of it is out of date.
func TestTheSettingsPageNamesWordsThatExist(t *testing.T) {
	blocks := fences(t, "../docs/settings.md", "")
	if len(blocks) != 2 {
		t.Fatalf("%d blocks", len(blocks))
	}
	grammar := regexp.MustCompile(`(?m) +#.*$`).ReplaceAllString(blocks[0], "")
	global, site, found := strings.Cut(grammar, "\npsa_gateway ")
	if !found {
		t.Fatal("the grammar has no psa_gateway")
	}
	filled := strings.NewReplacer(
		"secrets <name> file <path>", "secrets file /etc/psagate/secrets.json", "login <name>", "login main", "integration <name>", "integration itglue",
		"<store> <path>", "file autotask/main", "discover <base URL>", "discover https://webservices.autotask.net", "zone <base URL>", "zone https://webservices5.autotask.net",
		"<host...>", "127.0.0.1 psa.example.com", "poll <duration>", "poll 15s", "max_stale <duration>", "max_stale 1h", "<duration>", "1m", "<threshold>", "7",
		"budget <n>", "budget 5", "in_flight <n>", "in_flight 3", "<length> <deadline>", "256 30s", "<mail address>", "ops@example.com",
		"<hash...>", hash1+" "+hash2, "<login>", "main", "[<matcher>]", "", "public_url <base URL>", "public_url https://psa.example.com", "<size>", "16MiB",
	)
	text := "{\n" + filled.Replace(global) + "}\n\npsa.example.com {\n\tpsa_gateway " + filled.Replace(site) + "}\n"
	if strings.ContainsAny(text, "<>") {
		t.Fatalf("not filled in:\n%s", text)
	}
	mustAdapt(t, string(caddyfile.Format([]byte(text))))
}
