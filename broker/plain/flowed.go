package plain

import "strings"

// Unflow joins the lines that a mail program has broken, of text with format=flowed (RFC 3676): a line that ends with a
// space goes on in the next of the same quoting depth. delSp says that the space goes (DelSp=yes, section 4.5).
func Unflow(text string, delSp bool) string {
	var lines []string
	open, openDepth := false, 0
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		depth := len(line) - len(strings.TrimLeft(line, ">"))
		content := strings.TrimPrefix(line[depth:], " ") // stuffed, section 4.4
		signature := content == "-- "                    // section 4.3
		flows := strings.HasSuffix(content, " ") && !signature
		if flows && delSp {
			content = content[:len(content)-1]
		}
		if open && depth == openDepth && !signature {
			lines = append(lines, content) // goes on
		} else {
			mark := "\n"
			if depth > 0 {
				mark += strings.Repeat(">", depth) + " "
			}
			lines = append(lines, mark, content)
		}
		open, openDepth = flows, depth
	}
	return strings.TrimPrefix(strings.Join(lines, ""), "\n")
}
