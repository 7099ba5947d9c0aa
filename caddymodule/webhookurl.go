package caddymodule

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/alert"
)

// Who knows the address of a chat's webhook can write there, so that the address itself is the secret. It must not be in a config,
// which is read by more people than secrets are, and kept in version control.

// checkWebhookURL says what is wrong with a URL that is written into the config. It does not show it.
func checkWebhookURL(text string) error {
	u, err := alert.ParseURL(text)
	switch {
	case err != nil:
		return err
	case strings.ContainsAny(text, "{}"):
		return fmt.Errorf("a webhook's URL is taken as it is written: a placeholder stands for the whole of it; write `webhook` followed by %s", secretForms)
	case isChat(u.Hostname()) && strings.Trim(u.RequestURI(), "/") != "":
		return fmt.Errorf("whoever knows the address of a webhook at this host can write to it, so it is a secret, which must not be in a config: write `webhook` followed by %s", secretForms)
	case holdsSecret(u):
		return fmt.Errorf("what follows the host of this webhook's URL looks like a secret, which must not be in a config: write `webhook` followed by %s", secretForms)
	}
	return nil
}

// chats are hosts whose webhooks are known by their address alone, or the domains that those are in.
var chats = []string{
	"hooks.slack.com", "discord.com", "discordapp.com", "chat.googleapis.com", "api.telegram.org", "webhook.office.com",
	"outlook.office.com", "outlook.office365.com", "logic.azure.com", "powerplatform.com", "hooks.zapier.com", "make.com",
	"maker.ifttt.com", "ntfy.sh",
}

func isChat(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return slices.ContainsFunc(chats, func(chat string) bool { return host == chat || strings.HasSuffix(host, "."+chat) })
}

// secretNames are what parameters of a query that are secrets are called most often.
var secretNames = []string{
	"sig", "signature", "token", "access_token", "auth_token", "auth", "authorization", "key", "api_key", "apikey", "api-key", "code", "secret", "client_secret",
	"password", "passwd", "pass", "pwd", "hmac", "credential", "sas",
}

var (
	// secretRun matches a run of characters that is longer than words are.
	secretRun = regexp.MustCompile(`[0-9A-Za-z]{20}`)
	// secretUUID matches a UUID, by which many programs know their webhooks.
	secretUUID = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	// secretWord matches what may be random text as tokens are written: base64url and the like.
	secretWord = regexp.MustCompile(`[0-9A-Za-z_.~:=+-]{12,}`)
)

// holdsSecret reports whether what follows the host of a URL looks like a secret.
func holdsSecret(u *url.URL) bool {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil { // nobody can tell what it holds
		return true
	}
	for name, values := range query {
		named := slices.Contains(secretNames, strings.ToLower(name))
		if looksRandom(name) || slices.ContainsFunc(values, func(v string) bool { return named && v != "" || looksRandom(v) }) {
			return true
		}
	}
	return looksRandom(u.Path)
}

// looksRandom reports whether a text holds what is no word.
func looksRandom(text string) bool {
	if secretRun.MatchString(text) || secretUUID.MatchString(text) {
		return true
	}
	return slices.ContainsFunc(secretWord.FindAllString(text, -1), mixed)
}

// mixed reports whether small letters, capitals and digits are all in a text, as they seldom are in a name.
func mixed(text string) bool {
	return strings.ContainsAny(text, "0123456789") && strings.ToLower(text) != text && strings.ToUpper(text) != text
}
