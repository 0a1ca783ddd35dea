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

// render returns the lines of the table. It wraps cells only where the terminal is too narrow.
func (g grid) render() string {
	last := len(g.right) - 1
	style := func(row, col int) lipgloss.Style {
		s := lipgloss.NewStyle()
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
	text := t.Render()
	if g.width > 0 && lipgloss.Width(text) > g.width {
		text = t.Width(g.width).Render()
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
