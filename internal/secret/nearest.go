package secret

import (
	"fmt"
	"maps"
	"slices"
)

// didYouMean returns " (did you mean "x"?)" for the known name nearest to the wrong one, or "" if none is near.
func didYouMean[V any](wrong string, known map[string]V) string {
	best, bestDistance := "", max(2, len(wrong)/3)+1
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if d := distance(wrong, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
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
