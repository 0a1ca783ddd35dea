package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// watched says whether w is a terminal in which something can be drawn; one that has no size cannot.
func watched(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	return err == nil && width > 0
}

// bar is a progress bar where somebody watches, and a line now and then where nobody does.
type bar struct {
	w        io.Writer
	what     string
	total    int64
	last     int64
	progress *mpb.Progress
	bar      *mpb.Bar
}

func newBar(w io.Writer, what string, total int64) *bar {
	b := &bar{w: w, what: what, total: total}
	if watched(w) {
		b.progress = mpb.New(mpb.WithOutput(w), mpb.WithWidth(60))
		b.bar = b.progress.AddBar(total,
			mpb.PrependDecorators(decor.CountersNoUnit("%d of %d "+what, decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: 6})))
	}
	return b
}

func (b *bar) set(n int64) {
	if b.bar != nil {
		b.bar.SetCurrent(n)
		return
	}
	if n > b.last {
		b.last = n
		fmt.Fprintf(b.w, "%d of %d %s\n", n, b.total, b.what)
	}
}

// end leaves the bar as it is.
func (b *bar) end() {
	if b.bar != nil {
		b.bar.Abort(false)
		b.progress.Wait()
	}
}

// printTable prints rows; the last column is a number.
func printTable(w io.Writer, titles []string, rows [][]string) error {
	last := len(titles) - 1
	t := table.New().Headers(titles...).Rows(rows...).Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderHeader(false).BorderRow(false).
		StyleFunc(func(_, col int) lipgloss.Style {
			s := lipgloss.NewStyle().PaddingRight(1)
			if col == last {
				s = s.Align(lipgloss.Right)
			}
			return s
		})
	for line := range strings.SplitSeq(t.Render(), "\n") {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}
