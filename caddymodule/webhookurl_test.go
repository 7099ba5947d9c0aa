package caddymodule

import (
	"strings"
	"testing"
)

func TestAWebhookAddressThatIsASecretIsRefusedAndNotShown(t *testing.T) {
	for name, c := range map[string]struct{ url, secret string }{
		"a chat's, with a short token":       {"https://hooks.slack.com/services/T0/B0/hunter2", "hunter2"},
		"a chat's host in capitals":          {"https://HOOKS.SLACK.COM./services/T0/B0/hunter2", "hunter2"},
		"a chat's, by a name of the tenant":  {"https://example.webhook.office.com/webhookb2/hunter2", "hunter2"},
		"a workflow's":                       {"https://prod-12.westeurope.logic.azure.com:443/workflows/hunter2", "hunter2"},
		"Discord's":                          {"https://discord.com/api/webhooks/1/hunter2", "hunter2"},
		"an automation's":                    {"https://hooks.zapier.com/hooks/catch/123/hunter2/", "hunter2"},
		"a signature":                        {"https://ops.example.com/hook?sig=hunter2", "hunter2"},
		"a token, in capitals":               {"https://ops.example.com/hook?a=b&TOKEN=hunter2", "hunter2"},
		"a key":                              {"https://ops.example.com/hook?key=hunter2", "hunter2"},
		"a code":                             {"https://ops.example.com/api/f?code=hunter2", "hunter2"},
		"a token whose name is escaped":      {"https://ops.example.com/hook?%74oken=hunter2", "hunter2"},
		"a query that cannot be read":        {"https://ops.example.com/hook?token=hunter2;%zz", "hunter2"},
		"a long run of letters in the path":  {"https://ops.example.com/hook/abcdefghijklmnopqrstuvwxyz", "abcdefghijk"},
		"a UUID in the path":                 {"https://n8n.example.com/webhook/6f1b0c8e-2d4a-9f73-5e1c-6b80d2a4f793", "6f1b0c8e"},
		"a token with dashes in the path":    {"https://ops.example.com/hook/aB3-dE6_gH9-jK2", "dE6_gH9"},
		"the same with its dashes escaped":   {"https://ops.example.com/hook/aB3%2DdE6_gH9%2DjK2", "dE6_gH9"},
		"a token in a parameter of any name": {"https://ops.example.com/hook?to=aB3-dE6_gH9-jK2", "dE6_gH9"},
		"a placeholder in a part of it":      {"https://ops.example.com/hook/{env.HUNTER2}", "HUNTER2"},
		"user and password before the host":  {"https://me:hunter2@ops.example.com/hook", "hunter2"},
	} {
		err := checkWebhookURL(c.url)
		switch {
		case err == nil:
			t.Errorf("%s: it is taken", name)
		case strings.Contains(err.Error(), c.secret):
			t.Errorf("%s: it is shown: %v", name, err)
		case !strings.Contains(err.Error(), "{env.NAME}") && !strings.Contains(c.url, "@"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnOrdinaryWebhookAddressIsTaken(t *testing.T) {
	for _, url := range []string{
		"https://ops.example.com/psagate", "https://ops.example.com", "https://ops.example.com/alerts/2027/psagate-production",
		"https://ops.example.com/hook?team=msp&severity=high", "http://127.0.0.1:8080/PSAGATE/v2", "https://discord.example.com/psagate",
		"https://ops.example.com/hook?token=", "https://hooks.slack.com",
	} {
		if err := checkWebhookURL(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
