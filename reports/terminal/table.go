package terminal

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A cell is a few words in one style; short stands in for text where the table is too wide.
type cell struct {
	text  string
	style style
	short string
}

// A table has a name column and one column for each variant; an empty row is a blank line.
type table struct {
	head []cell
	rows [][]cell
}

const (
	gap      = 3  // columns between columns
	minNames = 20 // columns that names need at least
)

// write prints the table side by side where that fits into width, at need with short words and with names over several
// lines, else one variant below the other.
func (t table) write(out *strings.Builder, p pen, width int) {
	narrow := t
	if t.over(width) > 0 {
		narrow = t.shortened()
	}
	widths := narrow.widths()
	if over := narrow.over(width); over > 0 {
		if widths[0]-over < minNames {
			t.stack(out, p, width)
			return
		}
		widths[0] -= over
	}
	for _, row := range append([][]cell{narrow.head}, narrow.rows...) {
		side(out, p, row, widths)
	}
}

// over is how many columns the table is too wide.
func (t table) over(width int) int {
	total := -gap
	for _, w := range t.widths() {
		total += w + gap
	}
	return total - width
}

// shortened is the table in short words.
func (t table) shortened() table {
	short := table{head: t.head}
	for _, row := range t.rows {
		row = slices.Clone(row)
		for i := range row {
			if row[i].short != "" {
				row[i].text = row[i].short
			}
		}
		short.rows = append(short.rows, row)
	}
	return short
}

// side prints a row; a name that is too long goes on below.
func side(out *strings.Builder, p pen, row []cell, widths []int) {
	name, rest := folded(row[0].text, widths[0])
	line := p.in(row[0].style, pad(name, widths[0]+gap))
	for i, c := range row[1:] {
		text := c.text
		if i < len(row)-2 {
			text = pad(text, widths[i+1]+gap)
		}
		line += p.in(c.style, text)
	}
	out.WriteString(line + "\n")
	for _, more := range rest {
		out.WriteString(p.in(row[0].style, fit("  "+more, widths[0])) + "\n")
	}
}

// folded is the line on which a name begins and those on which it goes on.
func folded(name string, width int) (first string, rest []string) {
	if utf8.RuneCountInString(name) <= width {
		return name, nil
	}
	lines := wrap(name, width-2)
	if len(lines) == 0 { // nothing but spaces
		return fit(name, width), nil
	}
	return fit(lines[0], width), lines[1:]
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
