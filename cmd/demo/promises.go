package main

import (
	"errors"
	"fmt"
)

// promise is a number of a chapter's outcome that must stay within a limit.
type promise struct {
	name    string
	measure func(outcome) int
	least   bool // the limit is the least that it may be; else the most
	limit   int
}

// bound is the limit in words.
func (p promise) bound() string {
	if p.least {
		return fmt.Sprintf("at least %d", p.limit)
	}
	return fmt.Sprintf("at most %d", p.limit)
}

// finding is a promise that was checked.
type finding struct {
	promise
	chapter  string
	measured int
}

func (f finding) held() bool {
	if f.least {
		return f.measured >= f.limit
	}
	return f.measured <= f.limit
}

// check measures what a chapter promises.
func check(c chapter, o outcome) []finding {
	findings := make([]finding, 0, len(c.promises))
	for _, p := range c.promises {
		findings = append(findings, finding{p, c.title, p.measure(o)})
	}
	return findings
}

// broken names the promises that were; nil if all held.
func broken(findings []finding) error {
	var all []error
	for _, f := range findings {
		if !f.held() {
			all = append(all, fmt.Errorf("broken promise: %s: %s: %d, %s", f.chapter, f.name, f.measured, f.bound()))
		}
	}
	return errors.Join(all...)
}

func most(name string, limit int, measure func(outcome) int) promise {
	return promise{name: name, measure: measure, limit: limit}
}

func least(name string, limit int, measure func(outcome) int) promise {
	return promise{name: name, measure: measure, least: true, limit: limit}
}

// The promises that several chapters make.
var (
	// busy keeps the other promises from holding because nothing was called.
	busy      = least("calls served", 40, outcome.served)
	allServed = most("calls not served", 0, outcome.unserved)
	inBudget  = most("failed sign-ins since a success", budget, outcome.most)
	noMislaid = most("tickets lost, or made twice", 0, outcome.mislaid)
)

func failedAtMost(limit int) promise { return most("failed sign-ins", limit, outcome.failed) }
