package plain

import (
	"strconv"
	"strings"
	"unicode"
)

// writer lays text out: white space is held back until a word follows it.
type writer struct {
	out   strings.Builder
	lines int  // line ends owed
	space bool // a space is owed
	cells bool // the end of a table's cell is owed
	pre   int

	written int // line ends written
	inCell  bool
	begun   int // of the open cell: written at its first word, and negative before that

	around []string // what stands before each line: marks of quotes, space before items of lists
	beyond int      // how many more quotes and lists are open
	lists  []int    // the next number of each open list; negative for those without
	bullet string   // of the item that begins
}

// nesting is how deep quotes and lists are shown. Beyond it they are read on, without more before each line.
const nesting = 20

// block ends the line, and with 2 leaves one empty.
func (w *writer) block(lines int) {
	if w.bullet != "" {
		lines = min(lines, 1) // the paragraph that an item begins with
	}
	if lines > 0 {
		w.lines, w.space, w.cells = max(w.lines, lines), false, false
	}
}

// breakLine is a line end that a person set: several of them count.
func (w *writer) breakLine() { w.lines, w.space = min(w.lines+1, 3), false }

// cell begins a cell of a table. It stands beside the one before it, unless that has several lines: Outlook puts a paragraph around
// what is in a cell, and so the end of a line that is none.
func (w *writer) cell() {
	if w.inCell && w.begun == w.written && w.bullet == "" {
		w.lines = 0
	}
	w.cells = w.lines == 0 && w.out.Len() > 0
	w.inCell, w.begun = true, -1
}

// row is where no cell is open: at the ends of a row, and of a table.
func (w *writer) row() { w.inCell = false }

// text writes text of a document, in which any white space is one space.
func (w *writer) text(s string) {
	if w.pre > 0 {
		w.preformatted(s)
		return
	}
	for s != "" {
		end := strings.IndexFunc(s, white)
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			w.word(s[:end])
		}
		rest := strings.TrimLeftFunc(s[end:], white)
		w.space = w.space || len(rest) < len(s[end:])
		s = rest
	}
}

// white is what a document takes for a space; a space that does not break is a word of its own there.
func white(r rune) bool { return r != '\u00a0' && unicode.IsSpace(r) }

func (w *writer) preformatted(s string) {
	for i, line := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		if i > 0 {
			w.breakLine()
		}
		if line != "" {
			w.word(line)
		}
	}
}

// word writes what white space is owed, and the word.
func (w *writer) word(s string) {
	switch {
	case w.out.Len() == 0 || w.lines > 0:
		if w.out.Len() > 0 {
			w.endLines()
		}
		w.out.WriteString(strings.Join(w.around, "") + w.bullet)
		w.bullet = ""
	case w.cells:
		w.out.WriteString(" | ")
	case w.space:
		w.out.WriteByte(' ')
	}
	w.lines, w.space, w.cells = 0, false, false
	if w.inCell && w.begun < 0 {
		w.begun = w.written
	}
	w.out.WriteString(s)
}

func (w *writer) endLines() {
	w.written += w.lines
	w.out.WriteByte('\n')
	for range w.lines - 1 {
		w.out.WriteString(strings.TrimRight(strings.Join(w.around, ""), " ") + "\n")
	}
}

func (w *writer) quote() {
	w.block(1)
	w.indent("> ")
}

func (w *writer) unquote() {
	w.block(1)
	w.drop("> ")
}

// indent puts more before each line.
func (w *writer) indent(by string) {
	if len(w.around) == nesting {
		w.beyond++
		return
	}
	w.around = append(w.around, by)
}

// drop takes the innermost of a kind from what stands before each line.
func (w *writer) drop(kind string) {
	if w.beyond > 0 {
		w.beyond--
		return
	}
	for i := len(w.around) - 1; i >= 0; i-- {
		if w.around[i] == kind {
			w.around = append(w.around[:i], w.around[i+1:]...)
			return
		}
	}
}

func (w *writer) openList(start int) {
	w.block(1)
	if len(w.lists) > 0 {
		w.indent("  ")
	}
	w.lists = append(w.lists, start)
}

func (w *writer) closeList() {
	w.block(1)
	if len(w.lists) == 0 {
		return
	}
	if w.lists = w.lists[:len(w.lists)-1]; len(w.lists) > 0 {
		w.drop("  ")
	}
}

func (w *writer) item() {
	w.block(1)
	w.bullet = "* "
	if n := len(w.lists); n > 0 && w.lists[n-1] >= 0 {
		w.bullet = strconv.Itoa(w.lists[n-1]) + ". "
		w.lists[n-1]++
	}
}
