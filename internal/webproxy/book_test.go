package webproxy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The book is what a list of sessions, written down by the rules, says.
func TestTheBookIsAsTheRulesHaveIt(t *testing.T) {
	type held struct {
		browser, user string
		mobile        bool
		since, last   int // steps of the clock
	}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
		book := NewBook(Limits{Desktop: 2, Mobile: 1, Idle: time.Hour}, func() time.Time { return now })
		var model []held
		type name struct {
			user string
			at   int
		}
		typed := map[string]name{}
		step := 0
		alive := func(h held) bool { return step-h.last < 60 }
		browsers, users := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), rapid.SampledFrom([]string{"x", "y"})
		without := func(browser string) {
			model = slices.DeleteFunc(model, func(h held) bool { return h.browser == browser })
		}
		t.Repeat(map[string]func(*rapid.T){
			"type": func(t *rapid.T) {
				b, u := browsers.Draw(t, "browser"), users.Draw(t, "user")
				book.typed(b, " "+u)
				typed[b] = name{u, step}
			},
			"sign in": func(t *rapid.T) {
				b, mobile := browsers.Draw(t, "browser"), rapid.Bool().Draw(t, "mobile")
				now, step = now.Add(time.Minute), step+1 // so that one is the oldest
				book.begin(b, "somebody", mobile)
				user := typed[b].user
				if user == "" || step-typed[b].at >= 15 {
					return
				}
				without(b)
				alike := func(h held) bool { return alive(h) && h.user == user && h.mobile == mobile }
				most := map[bool]int{false: 2, true: 1}[mobile]
				for n := 0; ; n++ {
					var all []held
					for _, h := range model {
						if alike(h) {
							all = append(all, h)
						}
					}
					if len(all) < most {
						break
					}
					without(slices.MinFunc(all, func(a, b held) int { return a.since - b.since }).browser)
				}
				model = append(model, held{b, user, mobile, step, step})
				delete(typed, b)
			},
			"sign out": func(t *rapid.T) {
				b := browsers.Draw(t, "browser")
				book.end(b)
				without(b)
			},
			"use": func(t *rapid.T) {
				b := browsers.Draw(t, "browser")
				book.touch(b)
				for i := range model {
					if model[i].browser == b && alive(model[i]) {
						model[i].last = step
					}
				}
			},
			"pass": func(t *rapid.T) {
				n := rapid.SampledFrom([]int{1, 7, 20, 59}).Draw(t, "minutes")
				now, step = now.Add(time.Duration(n)*time.Minute), step+n
			},
			"": func(t *rapid.T) {
				var want []string
				for _, h := range model {
					if alive(h) {
						want = append(want, fmt.Sprint(h.user, h.mobile, step-h.since))
					}
				}
				var got []string
				for _, s := range book.Sessions() {
					got = append(got, fmt.Sprint(s.User, s.Mobile, int(now.Sub(s.Since)/time.Minute)))
				}
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("%v, want %v", got, want)
				}
			},
		})
	})
}

func TestTheBookForgetsBeforeItGrows(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	book := NewBook(Limits{}, func() time.Time { return now })
	book.typed("first", "x")
	book.begin("first", "", false)
	for i := range maxBrowsers {
		now = now.Add(time.Millisecond)
		book.typed(fmt.Sprint(i), "y")
	}
	if n := len(book.browsers); n > maxBrowsers {
		t.Fatalf("%d browsers", n)
	}
	now = now.Add(typedLasts)
	for i := range maxBrowsers / 10 {
		book.typed(fmt.Sprint("again ", i), "z")
	}
	if n := len(book.browsers); n > maxBrowsers/10+1 || book.user("again 0") != "z" {
		t.Fatalf("%d browsers are left", n)
	}
}
