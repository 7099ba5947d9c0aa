package policy

import (
	"fmt"
	"slices"
)

// didYouMean returns the end of a sentence about a wrong word: the known word nearest to it where one is near, else all of
// them where they are few.
func didYouMean(wrong string, known []string) string {
	if near := suggest(wrong, known); near != "" || len(known) == 0 || len(known) > 20 {
		return near
	}
	return "; known are " + quoted(known)
}

// suggest returns the end of a sentence with the known word nearest to a wrong one, nothing where none is near.
func suggest(wrong string, known []string) string {
	word, changes := nearest(wrong, known)
	if changes > max(2, len(word)/3) {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", word)
}

// nearest returns the known word that takes the fewest changes to make of a wrong one, and how many. The order of known
// decides between equals.
func nearest(wrong string, known []string) (word string, changes int) {
	if len(known) == 0 {
		return "", len(wrong) + 3
	}
	word = slices.MinFunc(known, func(a, b string) int { return distance(wrong, a) - distance(wrong, b) })
	return word, distance(wrong, word)
}

// distance is the number of bytes to insert, delete or replace to make b out of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func quoted(words []string) string {
	s := ""
	for i, w := range words {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%q", w)
	}
	return s
}
