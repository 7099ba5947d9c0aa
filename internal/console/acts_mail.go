package console

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/internal/report"
)

// mailForm is what the forms about a mail have in common.
func (c *Console) mailForm(ctx context.Context, a *asked) (report.MailShown, *form, error) {
	m, err := c.cfg.Source.Mail(ctx, a.on.Name, a.mail)
	if err != nil {
		return m, nil, err
	}
	return m, &form{Facts: printer.MailFacts(m.Mail, m.Time)}, nil
}

func (a *asked) reasonField() field {
	return field{Name: "reason", Label: "Reason", Hint: "One line, for those who look at it later. It may be left empty.", Type: "text", Complete: "off", Most: maxReason, Value: a.values.Get("reason")}
}

func (c *Console) retryMailForm(ctx context.Context, a *asked) (*form, error) {
	m, f, err := c.mailForm(ctx, a)
	if err != nil {
		return nil, err
	}
	f.Title, f.Button, f.Fields = "Try mail "+a.number()+" of "+a.on.Name+" again", "Try it again", []field{a.reasonField()}
	f.Text = []string{"It becomes a ticket or a note, whatever kind of mail it is. What may have been made of it before is looked for in the PSA first."}
	if m.NoRetry != "" {
		f.Hopeless, f.Text = true, []string{sentence(m.NoRetry)}
	}
	return f, nil
}

func (c *Console) dropMailForm(ctx context.Context, a *asked) (*form, error) {
	m, f, err := c.mailForm(ctx, a)
	if err != nil {
		return nil, err
	}
	f.Title, f.Button, f.Fields = "Drop mail "+a.number()+" of "+a.on.Name, "Drop it", []field{a.reasonField()}
	f.Text = []string{"Nothing becomes of it. It is kept as long as other mails are, and can be tried again for so long."}
	if m.NoDrop != "" {
		f.Hopeless, f.Text = true, []string{sentence(m.NoDrop)}
	}
	return f, nil
}

func (a *asked) number() string { return strconv.FormatInt(a.mail, 10) }

func (c *Console) retryMail(ctx context.Context, a *asked) (*outcome, error) {
	done, err := c.cfg.Deeds.RetryMail(ctx, a.doer(), a.on.Name, a.mail, strings.TrimSpace(a.values.Get("reason")))
	return decided(a, "It is tried again", done, err)
}

func (c *Console) dropMail(ctx context.Context, a *asked) (*outcome, error) {
	done, err := c.cfg.Deeds.DropMail(ctx, a.doer(), a.on.Name, a.mail, strings.TrimSpace(a.values.Get("reason")))
	return decided(a, "It is dropped", done, err)
}

func decided(a *asked, title string, done report.MailDecided, err error) (*outcome, error) {
	if err != nil {
		return nil, err
	}
	return &outcome{Title: title, Text: printed(func(p report.Printer) { p.MailDecided(done) }), Back: backOf(a)}, nil
}

func (c *Console) readMailForm(ctx context.Context, a *asked) (*form, error) {
	m, f, err := c.mailForm(ctx, a)
	if err != nil {
		return nil, err
	}
	f.Title, f.Button = "Read mail "+a.number()+" of "+a.on.Name, "Show what it says"
	f.Text = []string{"It is written down that you read this mail, each time. It is shown as text: nothing of it is run, and nothing is loaded."}
	if m.Mail.Gone {
		f.Hopeless, f.Text = true, []string{"Its bytes are not kept any more."}
	}
	return f, nil
}

// How much of a mail is shown, in bytes.
const (
	mostText = 64 << 10
	mostRaw  = 256 << 10
)

func (c *Console) readMail(ctx context.Context, a *asked) (*outcome, error) {
	raw, decision, err := c.cfg.Deeds.ReadMail(ctx, a.doer(), a.on.Name, a.mail)
	switch {
	case errors.Is(err, ErrDenied) && c.refused(a, decision):
		return nil, nil
	case err != nil:
		return nil, err
	}
	m := message.Read(raw, message.Options{})
	o := &outcome{Title: "Mail " + a.number() + " of " + a.on.Name, Back: backOf(a), Facts: mailSays(m)}
	if m.Fault != nil {
		o.Text = []string{"It cannot be taken apart, so that it is shown as it came alone: " + sentence(m.Fault.Detail)}
	} else {
		o.Plain = append(o.Plain, plainOf("What it says, as psagate reads it", []byte(m.Text), mostText))
	}
	o.Plain = append(o.Plain, plainOf("The mail as it came", raw, mostRaw))
	return o, nil
}

// mailSays are what a mail says of itself.
func mailSays(m *message.Message) (all []report.Fact) {
	say := func(label string, texts ...string) {
		for _, text := range texts {
			if text != "" {
				all = append(all, report.Fact{Label: label, Text: ledger.Line(text, 1000)})
				label = ""
			}
		}
	}
	addresses := func(list []message.Address) (texts []string) {
		for _, one := range list[:min(len(list), 20)] {
			texts = append(texts, strings.TrimSpace(one.Name+" <"+one.String()+">"))
		}
		return texts
	}
	say("from", addresses(m.From)...)
	say("to", addresses(m.To)...)
	say("copies", addresses(m.Cc)...)
	say("answers to", addresses(m.ReplyTo)...)
	say("subject", m.Subject)
	say("kind", string(m.Kind)+": "+strings.Join(m.Signs, ", "))
	var files []string
	for _, f := range m.Files[:min(len(m.Files), 50)] {
		files = append(files, f.Name+", "+f.Type+", "+strconv.Itoa(len(f.Data))+" bytes")
	}
	say("files", files...)
	return all
}
