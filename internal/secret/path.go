package secret

import (
	"fmt"
	"strings"
	"unicode"
)

// PathProblem says what is wrong with a record's path that people wrote, as words that follow it; empty where nothing is.
// Its parts are between single slashes, and none is "." or "..".
func PathProblem(path string) string {
	if path == "" {
		return "is empty"
	}
	if strings.ContainsFunc(path, unicode.IsControl) {
		return "holds a control character"
	}
	for i, s := range strings.Split(path, "/") {
		switch {
		case s == "" && i == 0:
			return "begins with a slash"
		case s == "" && strings.HasSuffix(path, "/"):
			return "ends with a slash"
		case s == "":
			return "has two slashes in a row"
		case s == "." || s == "..":
			return fmt.Sprintf("has a part %q", s)
		}
	}
	return ""
}
