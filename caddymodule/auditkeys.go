package caddymodule

import (
	"slices"

	"github.com/psagate/psagate/internal/audit"
)

// shortestKey is less than what looks like a key has, in bytes.
const shortestKey = 24

// withoutKeys is the entry without what looks like a key in those texts that callers choose: they put keys where none belongs.
func withoutKeys(e audit.Entry) audit.Entry {
	for _, text := range [...]*string{&e.Method, &e.Entity, &e.ID, &e.Child, &e.ChildID, &e.Impersonates} {
		if len(*text) >= shortestKey {
			*text = shown(*text)
		}
	}
	for _, list := range [...]*[]string{&e.Fields, &e.Filters, &e.Returns, &e.Reasons} {
		if slices.ContainsFunc(*list, isLong) {
			*list = slices.Clone(*list) // it is the caller's
			for i, text := range *list {
				(*list)[i] = shown(text)
			}
		}
	}
	return e
}

func isLong(text string) bool { return len(text) >= shortestKey }
