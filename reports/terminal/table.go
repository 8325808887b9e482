package terminal

import (
	"strings"
	"unicode/utf8"
)

// A cell is a few words in one style.
type cell struct {
	text  string
	style style
}

// A table has a name column and one column for each variant; an empty row is a blank line.
type table struct {
	head []cell
	rows [][]cell
}

const gap = 3 // columns between columns

// write prints the table side by side where that fits into width, else one variant below the other.
func (t table) write(out *strings.Builder, p pen, width int) {
	widths := t.widths()
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	if over := total - width; over > 0 {
		if widths[0]-over < 16 {
			t.stack(out, p, width)
			return
		}
		widths[0] -= over
	}
	for _, row := range append([][]cell{t.head}, t.rows...) {
		line := ""
		for i, c := range row {
			text := fit(c.text, widths[i])
			if i < len(row)-1 {
				text = pad(text, widths[i]+gap)
			}
			line += p.in(c.style, text)
		}
		out.WriteString(line + "\n")
	}
}

// widths returns the widest text of each column.
func (t table) widths() []int {
	widths := make([]int, len(t.head))
	for _, row := range append([][]cell{t.head}, t.rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	return widths
}

func (t table) stack(out *strings.Builder, p pen, width int) {
	for _, row := range t.rows {
		for i, c := range row {
			if i == 0 {
				out.WriteString(p.in(bold, fit(c.text, width)) + "\n")
				continue
			}
			line := fit("  "+t.head[i].text+": "+c.text, width)
			out.WriteString(p.in(c.style, line) + "\n")
		}
	}
}
