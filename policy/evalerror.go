package policy

import (
	"fmt"
	"strings"
)

// explainError says what an error of Cedar's evaluator means.
func explainError(text string) string {
	if name, is := strings.CutPrefix(text, "record does not have the attribute `"); is {
		return fmt.Sprintf("the request does not tell context.%s", strings.TrimSuffix(name, "`"))
	}
	return text
}
