package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/thread"
)

// Result is what came of a step, in a word.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warn    Result = "warn" // it works, and something should be known or changed
	Failed  Result = "failed"
	Skipped Result = "skipped" // it was not tried
)

// Step is one thing that was tried.
type Step struct {
	// Name is what was tried, in a word or two that stay the same.
	Name   string
	Result Result
	// Words say what was found, and Do what to do about it beside what Words say; it may be empty.
	Words, Do string
	// Took is how long it took.
	Took time.Duration
}

// Test is a mailbox to be tried out. All but Mailbox or Intake may be left out.
type Test struct {
	// Mailbox is where mails are fetched; nil for a mailbox to which they come by SMTP alone.
	Mailbox *imap.Mailbox
	// Again sends a password or token though it was refused before.
	Again bool
	// Aliases are the addresses whose mails the mailbox gets.
	Aliases []string
	// Keys mark mails as probes: those of the broker that reads the mailbox. Without any, nothing is put into the mailbox and
	// nothing sent.
	Keys thread.Keys
	// Send hands a mail to a server that delivers it, for the round trip to each alias; nil for none. From is whom they are
	// from, the mailbox's user where it is empty. Unsent says why there is no Send, and what to do instead.
	Send   func(ctx context.Context, from, to string, raw []byte) error
	From   string
	Unsent string
	// Wait is how long a mail may take to come; 2 minutes where it is 0. Look is the time between two looks, 2 s where it is 0.
	Wait, Look time.Duration
	// Intake is where mails come in by SMTP; nil for nowhere.
	Intake *Intake
	// Told is told of each step as soon as it is over; nil for nobody.
	Told func(Step)
}

const (
	usualWait = 2 * time.Minute
	usualLook = 2 * time.Second
)

// run is a Test under way.
type run struct {
	Test
	steps []Step
	trial *imap.Trial
	// processed is the folder for mails that are done with, as the server names it; empty if it is not there.
	processed string
}

// Run tries everything. A step that does not work has those skipped that need it, no others.
func (t Test) Run(ctx context.Context) []Step {
	if t.Wait == 0 {
		t.Wait = usualWait
	}
	if t.Look == 0 {
		t.Look = usualLook
	}
	r := &run{Test: t}
	if t.Mailbox != nil {
		r.imap(ctx)
	}
	if t.Intake != nil {
		r.intake(ctx)
	}
	if r.trial != nil {
		r.trial.Close()
	}
	return r.steps
}

// Works tells whether every step that was taken succeeded.
func Works(steps []Step) bool {
	for _, s := range steps {
		if s.Result == Failed {
			return false
		}
	}
	return len(steps) > 0
}

// say adds a step.
func (r *run) say(s Step) {
	s.Took = s.Took.Round(time.Millisecond)
	r.steps = append(r.steps, s)
	if r.Told != nil {
		r.Told(s)
	}
}

// found is what a step found: OK where the result is left out.
type found struct {
	result    Result
	words, do string
}

func ok(format string, args ...any) (found, error) {
	return found{words: fmt.Sprintf(format, args...)}, nil
}

// warn is for what works, but not as it should.
func warn(do, format string, args ...any) (found, error) {
	return found{Warn, fmt.Sprintf(format, args...), do}, nil
}

// step takes a step, and tells whether others can be taken that need it.
func (r *run) step(name string, take func() (found, error)) bool {
	begun := time.Now()
	f, err := take()
	s := Step{Name: name, Result: f.result, Words: f.words, Do: f.do, Took: time.Since(begun)}
	switch {
	case err != nil:
		s.Result, s.Words, s.Do = Failed, err.Error(), r.advice(err)
		if errors.Is(err, context.Canceled) {
			s.Words = "the test was ended before it was done"
		}
	case s.Result == "":
		s.Result = OK
	}
	r.say(s)
	return err == nil
}

// skip says that steps are not taken, and why.
func (r *run) skip(why string, names ...string) {
	for _, name := range names {
		r.say(Step{Name: name, Result: Skipped, Words: why})
	}
}
