package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is what is wrong at one place of a file.
type Problem struct {
	// File is the name of the source.
	File string `json:"file"`
	// Line and Column start at 1; both are 0 where the whole file is meant. Columns count characters.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Text says what is wrong, and what to do about it.
	Text string `json:"text"`
}

// Error returns "file:line:column: text".
func (p Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems are all that is wrong, in the order of the files. It is the error of Load and ParseCases.
type Problems []Problem

// maxShown is how many problems an error prints: who broke a word in a thousand policies knows after the first few.
const maxShown = 20

// Error returns the problems one a line.
func (p Problems) Error() string {
	lines := make([]string, 0, maxShown+1)
	for i, one := range p {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(p)-maxShown))
			break
		}
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// orNil returns the problems as an error, those of a file by line and column; nil where there are none.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	place := make(map[string]int) // files stay in their order
	for _, one := range p {
		if _, met := place[one.File]; !met {
			place[one.File] = len(place)
		}
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(place[a.File]-place[b.File], a.Line-b.Line, a.Column-b.Column)
	})
	return p
}
