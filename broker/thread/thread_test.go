package thread

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/message"
	"pgregory.net/rapid"
)

func keys(t testing.TB, signing byte, older ...byte) Keys {
	t.Helper()
	var old [][]byte
	for _, b := range older {
		old = append(old, bytes.Repeat([]byte{b}, 32))
	}
	k, err := NewKeys(bytes.Repeat([]byte{signing}, 32), old...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTokens(t *testing.T) {
	t.Parallel()
	a, b, both := keys(t, 1), keys(t, 2), keys(t, 2, 1)
	rapid.Check(t, func(t *rapid.T) {
		ticket := rapid.Int64Min(1).Draw(t, "ticket")
		token := a.Token("1", ticket)
		for _, k := range []Keys{a, both} {
			if got, err := k.Open("1", strings.ToUpper(token)); err != nil || got != ticket {
				t.Fatalf("%s is %d, %v", token, got, err)
			}
		}
		if _, err := a.Open("2", token); err == nil {
			t.Fatal("another tenant's token is taken")
		}
		if _, err := b.Open("1", token); err == nil {
			t.Fatal("another key's token is taken")
		}
		id, sum, _ := strings.Cut(strings.TrimPrefix(token, prefix), "-")
		if _, err := a.Open("1"+id[:1], prefix+id[1:]+"-"+sum); err == nil {
			t.Fatal("what is the tenant's and what the ticket's can be shifted")
		}
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		changed := []byte(token)
		changed[at] = rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz0123456789-.")).Draw(t, "letter")
		if _, err := a.Open("1", string(changed)); err == nil && string(changed) != token {
			t.Fatalf("%s is taken for %s", changed, token)
		}
	})
}

func TestKeysAreSecret(t *testing.T) {
	t.Parallel()
	k := keys(t, 'K')
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "keys", k)
	inJSON, err := json.Marshal(map[string]any{"keys": k})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s %x %d", k, k, k, k, k, k), string(inJSON), log.String()} {
		if strings.Contains(out, "KKK") || strings.Contains(out, "4b4b") || strings.Contains(out, "75 75") || !strings.Contains(out, "redacted") {
			t.Errorf("it prints as %s", out)
		}
	}
	if _, err := NewKeys([]byte("short-secret")); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a short key: %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	mailbox := message.Address{Local: "support", Domain: "example.com"}
	reply := k.ReplyTo("1", 175, mailbox).String()
	id := k.MessageID("1", 42, "x1", "example.com")
	for name, c := range map[string]struct {
		header string
		want   int64
	}{
		"a sub-address":            {"To: " + reply, 175},
		"rewritten in upper case":  {"Delivered-To: " + strings.ToUpper(reply) + "\nTo: x@example.com", 175},
		"an answer":                {"References: <a@b> <" + id + ">", 42},
		"In-Reply-To":              {"In-Reply-To: <" + id + ">", 42},
		"the address is nearer":    {"Cc: " + reply + "\nReferences: <" + id + ">", 175},
		"the newest is nearer":     {"References: <" + k.MessageID("1", 1, "a", "x") + "> <" + id + ">", 42},
		"a bounce":                 {"Return-Path: <>\nFrom: mailer-daemon@x\n\nMessage-ID: <" + id + ">", 42},
		"another tenant":           {"To: " + k.ReplyTo("2", 175, mailbox).String(), 0},
		"none":                     {"To: support+t1-4v-aaaaaaaaaaaaaaaa@example.com\nReferences: <t1-4v@x>", 0},
		"the token alone, in text": {"Subject: " + k.Token("1", 175), 0},
	} {
		m := message.Read([]byte("X-A: b\n"+c.header+"\n\nx"), message.Options{})
		if got, where, found := k.Find("1", m); got != c.want || found != (c.want != 0) || found != (where != "") {
			t.Errorf("%s: %d by %q, want %d", name, got, where, c.want)
		}
	}
}

func TestOwnMail(t *testing.T) {
	t.Parallel()
	k, rotated, other := keys(t, 1), keys(t, 2, 1), keys(t, 3)
	mark := k.Mark("1@example.com")
	if !k.IsOwn("1@example.com", mark) || !rotated.IsOwn("1@example.com", " "+strings.ToUpper(mark)) {
		t.Error("our own mail is not known")
	}
	if k.IsOwn("2@example.com", mark) || k.IsOwn("", k.Mark("")) || other.IsOwn("1@example.com", mark) || k.IsOwn("1@example.com", "") {
		t.Error("another's mail is taken for ours")
	}
	for name, c := range map[string]struct {
		header string
		want   message.Kind
	}{
		"ours":     {"Message-ID: <1@example.com>\n" + MarkField + ": " + mark, message.Own},
		"a copy":   {"Message-ID: <2@example.com>\n" + MarkField + ": " + mark, message.Human},
		"none":     {"Message-ID: <1@example.com>", message.Human},
		"of no id": {MarkField + ": " + k.Mark(""), message.Human},
	} {
		if m := message.Read([]byte(c.header+"\nFrom: a@example.com\n\nx"), message.Options{Own: k.Own}); m.Kind != c.want {
			t.Errorf("%s: %s, want %s", name, m.Kind, c.want)
		}
	}
	if token := k.Token("x", 1); k.IsOwn("x", strings.Split(token, "-")[2]) {
		t.Error("a token is taken for a mark")
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string][]string{
		"Re: [T20260213.0045] down":               {"T20260213.0045"},
		"t20260213.0045.001":                      {"T20260213.0045.001"},
		"T20260213.0045,T20260213.0046":           {"T20260213.0045", "T20260213.0046"},
		"T20260213.0045 T20260213.0045":           {"T20260213.0045"},
		"AT20260213.0045":                         nil,
		"T20260213.0045x":                         nil,
		"T20261313.0045":                          nil,
		"T20260213":                               nil,
		"v1.T20260213.0045":                       nil,
		strings.Repeat("T20260213.0045 ", 3) + "": {"T20260213.0045"},
	} {
		if got := Numbers(subject); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", subject, got, want)
		}
	}
}

// FuzzNumbers gives any subject to Numbers: what is found is in it, and is found again when it stands alone.
func FuzzNumbers(f *testing.F) {
	f.Add("Re: [T20260213.0045] T20260214.0001.001, x")
	f.Fuzz(func(t *testing.T, subject string) {
		for _, n := range Numbers(subject) {
			if !strings.Contains(strings.ToUpper(subject), n) || !slices.Equal(Numbers(n), []string{n}) {
				t.Errorf("%q in %q", n, subject)
			}
		}
	})
}

// FuzzMailToken gives any text to Open: what is not signed is not taken, and what is taken is written in one way alone.
func FuzzMailToken(f *testing.F) {
	k := keys(f, 1)
	f.Add(k.Token("1", 175))
	f.Add("t1-04v-aaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, token string) {
		if ticket, err := k.Open("1", token); err == nil && k.Token("1", ticket) != strings.ToLower(token) {
			t.Errorf("%q is taken for %d", token, ticket)
		}
	})
}
