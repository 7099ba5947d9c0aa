package thread

import (
	"strconv"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/message"
)

func TestHandedOver(t *testing.T) {
	t.Parallel()
	const reference = "mb1abcdefghijklmnopqrstuvwxyz234567"
	k, other := keys(t, 1), keys(t, 2)
	tag := k.HandedTag(47, reference)
	if len(tag) > 40 || tag != strings.ToLower(tag) { // with the name of a mailbox, an address has 64 before its at sign
		t.Errorf("the tag is %s", tag)
	}
	if (Keys{}).HandedTag(47, reference) != "" {
		t.Error("a tag without a key")
	}
	notice := "From: addticket@autotask.example\nSubject: Your ticket\n"
	bounce := "From: MAILER-DAEMON@relay.example\nSubject: Undelivered\nTo: support@msp.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\nMIME-Version: 1.0\n\n" +
		"--b\nContent-Type: text/plain\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n" +
		"Final-Recipient: rfc822; addticket@autotask.example\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <" + tag + "@msp.example>\n\n--b--\n"
	for raw, want := range map[string]bool{
		"Delivered-To: support+" + strings.ToUpper(tag) + "@msp.example\n" + notice + "To: support@msp.example\n\nDone.\n": true,
		notice + "To: support+" + tag + "@msp.example\n\nDone.\n":                                                          true,
		notice + "Auto-Submitted: auto-replied\nIn-Reply-To: <" + tag + "@msp.example>\n\nDone.\n":                         true,
		notice + "In-Reply-To: <" + tag + "@msp.example>\n\nThank you!\n":                                                  false, // a person may answer
		bounce: true,
		notice + "To: support+" + other.HandedTag(47, reference) + "@msp.example\n\nDone.\n":          false,
		notice + "To: support+" + strings.Replace(tag, "a1-1b-", "a1-1c-", 1) + "@msp.example\n\nx\n": false,
		notice + "To: support+" + k.Token("1", 47) + "@msp.example\n\nx\n":                            false,
		notice + "To: support+a1-1b@msp.example, a1-@b.example, x+a1-1b-cccccc-@b.example\n\nx\n":     false,
	} {
		h, is := k.FindHanded(message.Read([]byte(raw), message.Options{}))
		if is != want || is && (!h.Is(47, reference) || h.Is(48, reference) || h.Is(47, reference+"x")) {
			t.Errorf("%v: %+v\n%s", is, h, raw)
		}
	}
	if _, err := k.Open("1", tag); err == nil {
		t.Error("a tag is taken for a token")
	}
}

// FuzzHanded: nothing is taken for a tag but what was made as one.
func FuzzHanded(f *testing.F) {
	k := keys(f, 1)
	f.Add(k.HandedTag(47, "mb1x"))
	f.Add("a1--cccccc-")
	f.Add("A1-1B-cccccc-bbbbbbbbbbbbbbbb")
	f.Fuzz(func(t *testing.T, tag string) {
		h, is := k.openHanded(tag)
		if sum := mac(k.keys[0], "mail handed over", strconv.FormatInt(h.Mail, 36), h.check); is && !strings.HasSuffix(strings.ToLower(tag), "-"+sum) {
			t.Errorf("%q is %+v", tag, h)
		}
	})
}
