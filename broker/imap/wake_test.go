package imap

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoeverPutsRightWhatWasWrongNeedNotWaitForTheMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Mailbox{Server: "mail.example.com:993", User: "support", Password: func(context.Context) (string, error) { return "x", nil }}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		s.Wake()
		s.Wake() // once is enough, and nobody is kept waiting
		s.rest(context.Background(), time.Hour)
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("it waits for %s though it was woken", waited)
		}
		s.rest(context.Background(), time.Hour)
		if waited := time.Since(begun); waited != time.Hour {
			t.Errorf("it waits for %s, as it was woken before", waited)
		}
	})
}
