package report

import "strings"

// StoreProblem is what the problem begins with that says why the store of the guard cannot be used.
const StoreProblem = "the store of the guard cannot be used, so nothing is sent: "

// storeProblem is why the store of the guard cannot be used; empty where that is not known.
func (s Status) storeProblem() string {
	for _, problem := range s.Problems {
		if why, is := strings.CutPrefix(problem, StoreProblem); is {
			return why
		}
	}
	return ""
}

// ReleaseProblem says why a login cannot be released now; empty where it can.
func (s Status) ReleaseProblem(l LoginStatus) string {
	if l.State != LoginNoStore {
		return ""
	}
	why := s.storeProblem()
	if why != "" {
		why = ": " + why
	}
	return "the store of the guard cannot be read, so that it is neither known what to forgive nor can it be recorded" + why
}
