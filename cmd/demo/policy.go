package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// policyText is what the four integrations may do, and what people may do by the console.
const policyText = `// Everybody may look.
permit (principal, action in [Action::"read", Action::"query"], resource);

// Two programs open tickets.
permit (principal == Integration::"backup", action == Action::"create", resource == Entity::"Tickets");
permit (principal == Integration::"rmm", action == Action::"create", resource == Entity::"Tickets");

// So does the mailbox, of mails, with notes and files.
permit (principal == Mailbox::"support", action in [Action::"create", Action::"update"], resource == Entity::"Tickets");
permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"TicketNotes");
permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"TicketAttachments");

// Administrators switch programs off and on, look after the login, and sign people out. The console asks for a second factor.
permit (
  principal in PersonGroup::"demo/admins",
  action in [Action::"disable", Action::"enable"],
  resource is Integration
);
permit (principal in PersonGroup::"demo/admins", action in [Action::"check", Action::"release"], resource is Login);
permit (principal in PersonGroup::"demo/admins", action in [Action::"end_session", Action::"reset_factor"], resource is Person);
permit (principal in PersonGroup::"demo/admins", action in [Action::"read_mail", Action::"retry_mail", Action::"drop_mail"], resource is Mailbox);
`

// policyFile is the file of policies, in a folder of its own.
func (w *world) policyFile() string { return w.path(filepath.Join("policies", "demo.cedar")) }

// writePolicy replaces the policies all at once.
func (w *world) writePolicy(text string) error {
	if err := os.MkdirAll(filepath.Dir(w.policyFile()), 0o700); err != nil {
		return fmt.Errorf("making the folder of policies: %w", err)
	}
	if err := os.WriteFile(w.policyFile()+".new", []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the policies: %w", err)
	}
	if err := os.Rename(w.policyFile()+".new", w.policyFile()); err != nil {
		return fmt.Errorf("writing the policies: %w", err)
	}
	return nil
}

// overstep lets an integration make calls that are none of its own.
func overstep(name string, j job, calls int) func(*scene) error {
	return func(s *scene) error {
		c := s.client(name)
		for range calls {
			s.tally.call(s.ctx, c, j)
		}
		return nil
	}
}

// askForLine makes one more such call, and shows the line that would permit it.
func askForLine(name string, j job) func(*scene) error {
	return func(s *scene) error {
		line, err := s.client(name).permitOf(s.ctx, j)
		if err != nil {
			return err
		}
		s.permit = line
		s.shown = append(s.shown, strings.SplitAfter(strings.Replace(line, ", action", ",\n        action", 1), "\n")...)
		return nil
	}
}

// addLine puts that line into the policies, and waits until the gateway has it.
func addLine(name string, j job) func(*scene) error {
	return func(s *scene) error {
		if err := s.writePolicy(policyText + s.permit + "\n"); err != nil {
			return err
		}
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
			if _, err := s.client(name).permitOf(s.ctx, j); err != nil { // it is not refused any more
				return nil
			}
		}
		return fmt.Errorf("the gateway has not read %s within 10 s", s.policyFile())
	}
}

// permitIn returns the line of Cedar in an answer of the gateway's.
func permitIn(body []byte) (string, error) {
	var answer struct {
		Errors []string `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer)
	_, line, found := strings.Cut(strings.Join(answer.Errors, ""), "this one would: ")
	if !found {
		return "", fmt.Errorf("the answer names no line that would permit the call: %s", body)
	}
	return line, nil
}
