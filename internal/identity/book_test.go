package identity

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func mustBook(t testing.TB, integrations ...Integration) *Book {
	t.Helper()
	book, err := NewBook(integrations, nil)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// identify is Identify where neither address nor time matters.
func identify(b *Book, p Presented) (Caller, error) { return b.Identify(p, netip.Addr{}, time.Time{}) }

func TestTheKeyAloneSaysWhoCalls(t *testing.T) {
	old, renewed, other := newKey(t), newKey(t), newKey(t)
	book := mustBook(t,
		Integration{Name: "itglue", Owner: "ops@example.com", Login: "main", Keys: []Hash{old.Hash(), renewed.Hash()}},
		Integration{Name: "backup", Login: "main", Keys: []Hash{other.Hash()}},
		Integration{Name: "keyless"},
	)
	for name, test := range map[string]struct {
		lines   []string
		want    string
		key     Key
		differs bool
	}{
		"its name and its key":         {[]string{"UserName: itglue", "Secret: " + old.Reveal()}, "itglue", old, false},
		"its name in another case":     {[]string{"UserName: ITGlue ", "Secret: " + old.Reveal()}, "itglue", old, false},
		"its newer key":                {[]string{"UserName: itglue", "Secret: " + renewed.Reveal()}, "itglue", renewed, false},
		"a mail address beside it":     {[]string{"UserName: api@example.com", "Secret: " + old.Reveal()}, "itglue", old, true},
		"another integration's name":   {[]string{"UserName: itglue", "Secret: " + other.Reveal()}, "backup", other, true},
		"no name":                      {[]string{"Authorization: Bearer " + other.Reveal()}, "backup", other, false},
		"its name and another's name ": {[]string{"UserName: backup", "Secret: " + other.Reveal(), basic("x", other.Reveal())}, "backup", other, true},
	} {
		caller, err := identify(book, FromRequest(request(test.lines...), "UserName", "Secret"))
		if err != nil || caller.Integration.Name != test.want || caller.KeyID != test.key.Hash().ID() || caller.UserDiffers != test.differs {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

func TestACallThatIsNotIdentifiedHasOneReason(t *testing.T) {
	known, stranger := newKey(t), newKey(t)
	book := mustBook(t, Integration{Name: "itglue", Keys: []Hash{known.Hash()}})
	for word, lines := range map[string][]string{
		"no-credentials":   nil,
		"not-a-key":        {"Secret: hunter2"},
		"mistyped-key":     {"Secret: " + known.Reveal() + "x"},
		"unknown-key":      {"Secret: " + stranger.Reveal()},
		"conflicting-keys": {"Secret: " + known.Reveal(), "Secret: " + stranger.Reveal()},
	} {
		caller, err := identify(book, FromRequest(request(lines...), "UserName", "Secret"))
		if !errors.Is(err, Reason(word)) || err.Error() != word || caller.Integration != nil {
			t.Errorf("%s: %+v, %v", word, caller, err)
		}
		if wantID := word == "unknown-key"; wantID != (caller.KeyID == stranger.Hash().ID()) {
			t.Errorf("%s: key id %q", word, caller.KeyID)
		}
	}
	if _, err := identify(book, Presented{}); !errors.Is(err, ErrNoCredentials) {
		t.Errorf("the zero Presented: %v", err)
	}
}

func TestTheHashOfNothingIsNobodysKey(t *testing.T) {
	book := mustBook(t, Integration{Name: "itglue", Keys: []Hash{newKey(t).Hash()}})
	for _, hash := range []Hash{{}, sha256.Sum256(nil)} {
		if caller, err := identify(book, Presented{hash: hash, hasKey: true}); !errors.Is(err, ErrUnknown) || caller.Integration != nil {
			t.Errorf("%s: %+v, %v", hash, caller, err)
		}
	}
}

func TestDoubledNamesAndKeysAreAllNamed(t *testing.T) {
	a, b := newKey(t).Hash(), newKey(t).Hash()
	_, err := NewBook([]Integration{
		{Name: "one", Keys: []Hash{a, b}},
		{Name: "two", Keys: []Hash{a}},
		{Name: "one"},
		{Name: "three", Keys: []Hash{b, b}},
		{Name: "four", Keys: []Hash{newKey(t).Hash()}},
	}, nil)
	want := []string{
		`integrations "one" and "two" both have key ` + a.ID() + `: make a key for each`,
		`two integrations are named "one": rename one`,
		`integrations "one" and "three" both have key ` + b.ID() + `: make a key for each`,
		`integrations "one" and "three" both have key ` + b.ID() + `: make a key for each`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got:\n%v\nwant:\n%s", err, strings.Join(want, "\n"))
	}
	c := newKey(t).Hash()
	if _, err := NewBook([]Integration{{Name: "one", Keys: []Hash{c, c}}}, nil); err == nil || !strings.Contains(err.Error(), `integration "one" names key `+c.ID()+` twice`) {
		t.Errorf("one key twice: %v", err)
	}
}

func bookOf(tb testing.TB, n int) (*Book, Key) {
	tb.Helper()
	key := newKey(tb)
	all := []Integration{{Name: "mine", Keys: []Hash{key.Hash()}}}
	for i := range n - 1 {
		all = append(all, Integration{Name: fmt.Sprint(i), Keys: []Hash{sha256.Sum256([]byte(fmt.Sprint(i)))}})
	}
	return mustBook(tb, all...), key
}

func TestTenThousandIntegrationsCostACallNoMoreThanTen(t *testing.T) {
	var perCall [2]float64
	for i, n := range []int{10, 10_000} {
		book, key := bookOf(t, n)
		h := request("UserName: mine", "Secret: "+key.Reveal())
		perCall[i] = testing.AllocsPerRun(100, func() { _, _ = identify(book, FromRequest(h, "UserName", "Secret")) })
	}
	if perCall[0] != perCall[1] || perCall[0] > 5 {
		t.Errorf("%v allocations a call with 10 and with 10,000 integrations, want the same and at most 5", perCall)
	}
}

func BenchmarkIdentify(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			book, key := bookOf(b, n)
			h := request("UserName: mine", "Secret: "+key.Reveal())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := identify(book, FromRequest(h, "UserName", "Secret")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
