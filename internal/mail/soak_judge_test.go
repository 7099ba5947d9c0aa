//go:build linux

package mail

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/mailsoak"
)

// books are read beside the processes.
func (s *soak) books() *process {
	s.Helper()
	p := newGate(s.T, made{scene: s.plan.scene, record: new(record), now: time.Now, log: slog.New(slog.DiscardHandler), hit: func(*process, string) {}})
	s.Cleanup(func() {
		p.gateway.Close()
		p.secrets.Stop()
		_ = p.store.Close()
	})
	return p
}

// judge looks at each mail in the PSA and in the server's folders, and holds the books against that.
func (s *soak) judge(mails []mailsoak.Mail) {
	s.Helper()
	found := mailsoak.Found{
		Tickets: s.made("Tickets"), Notes: s.made("TicketNotes"),
		Inbox: s.lies("INBOX"), Processed: s.lies("Processed"), DeadLetter: s.lies("DeadLetter"),
	}
	books := s.books()
	balance, err := books.store.Mail().Balance(context.Background(), "support")
	if err != nil {
		s.Fatal(err)
	}
	wrong, doubled := mailsoak.Judge(mails, found, s.rows(books), balance)
	for _, w := range wrong {
		s.Error(w)
	}
	if n := s.user.MaxFailedSinceSuccess(); n > 0 {
		s.Errorf("the PSA refused %d sign-ins", n)
	}
	s.Logf("%d mails that may be there twice are flagged and are", doubled)
}

// made counts what the PSA has of each mail.
func (s *soak) made(entity string) map[string]int {
	counts := map[string]int{}
	for _, r := range s.tenant.Records(entity) {
		if token := mailsoak.Token(fmt.Sprint(r["title"])); token != "" {
			counts[token]++
		}
	}
	return counts
}

// lies counts what a folder of the mail server has of each mail.
func (s *soak) lies(folder string) map[string]int {
	counts := map[string]int{}
	for _, m := range s.server.Folder(folder) {
		counts[mailsoak.TokenOf(m.Raw)]++
	}
	return counts
}

// rows are all of the books.
func (s *soak) rows(p *process) (all []mailsoak.Row) {
	s.Helper()
	q := ledger.Query{Mailbox: "support", Oldest: true, Most: 500}
	for {
		page, err := p.store.Mail().List(context.Background(), q)
		if err != nil {
			s.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		for _, m := range page {
			all = append(all, mailsoak.Row{Token: mailsoak.Token(m.Subject), State: m.State, Cause: m.Cause, Repeated: func() bool { return m.Repeated }})
		}
		q.After = page[len(page)-1].ID
	}
}
