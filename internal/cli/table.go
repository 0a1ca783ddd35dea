package cli

import (
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// grid is a table on its way to the terminal.
type grid struct {
	titles []string // none: no header
	right  []bool   // by column: aligned to the right
	rows   [][]string
	width  int // columns of the terminal; 0: as wide as it needs to be
	color  bool
}

// gap is between two columns.
const gap = 2

// narrowest is how narrow a column of text becomes, gap included.
const narrowest = 12

// widths returns the widths of the columns with their gaps. Where the terminal is too narrow the widest column gives way, again and again;
// its cells wrap. Numbers stay whole, and so does the table when nothing else is left to give.
func (g grid) widths() []int {
	widths := make([]int, len(g.right))
	total := 0
	for col := range widths {
		if len(g.titles) > 0 {
			widths[col] = lipgloss.Width(g.titles[col])
		}
		for _, row := range g.rows {
			widths[col] = max(widths[col], lipgloss.Width(row[col]))
		}
		if col < len(widths)-1 {
			widths[col] += gap
		}
		total += widths[col]
	}
	for g.width > 0 && total > g.width {
		widest := -1
		for col, w := range widths {
			if !g.right[col] && w > narrowest && (widest < 0 || w > widths[widest]) {
				widest = col
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// render returns the lines of the table.
func (g grid) render() string {
	last := len(g.right) - 1
	widths := g.widths()
	style := func(row, col int) lipgloss.Style {
		s := lipgloss.NewStyle().Width(widths[col])
		if g.right[col] {
			s = s.Align(lipgloss.Right)
		}
		if col < last {
			s = s.PaddingRight(gap)
		}
		if !g.color {
			return s
		}
		switch {
		case row == table.HeaderRow, len(g.titles) == 0 && col == 0:
			return s.Bold(true)
		default:
			return s.Foreground(tint(g.rows[row][col]))
		}
	}
	t := table.New().Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).BorderHeader(false).BorderRow(false).
		StyleFunc(style).Rows(g.rows...)
	if len(g.titles) > 0 {
		t.Headers(g.titles...)
	}
	lines := strings.Split(t.Render(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
