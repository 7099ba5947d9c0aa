// Package nearest finds the word that somebody who mistyped may have meant.
package nearest

import "slices"

// Word returns the known word nearest to a wrong one, and whether one is near enough to be worth a question: it takes a
// third of the letters at the most, or two. The order of known decides between equals.
func Word(wrong string, known []string) (word string, near bool) {
	if len(known) == 0 {
		return "", false
	}
	best := slices.MinFunc(known, func(a, b string) int { return distance(wrong, a) - distance(wrong, b) })
	return best, distance(wrong, best) <= max(2, len(best)/3)
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
