package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// asTable says whether results are printed for people.
func (a *app) asTable() bool {
	return a.output == "table" || a.output == "" && a.OutTerminal
}

// printDocument prints JSON text: one line in a pipe, indented on a terminal. The text stays as it is otherwise, to the last digit.
func (a *app) printDocument(text json.RawMessage) error {
	var b bytes.Buffer
	var err error
	if a.OutTerminal {
		err = json.Indent(&b, text, "", "  ")
	} else {
		err = json.Compact(&b, text)
	}
	if err != nil {
		return fmt.Errorf("printing a document: %w", err)
	}
	b.WriteByte('\n')
	_, err = a.Out.Write(b.Bytes())
	return err
}

// printJSON prints a value as a JSON document.
func (a *app) printJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("printing a document: %w", err)
	}
	return a.printDocument(b.Bytes())
}

// A column of a table over rows of type T.
type column[T any] struct {
	title string
	right bool // numbers
	cell  func(T) string
}

// printList prints rows as a table, or as a document each. A list that comes in pages is a table per page, so that none has to be held.
func printList[T any](a *app, rows []T, columns []column[T]) error {
	if !a.asTable() {
		for _, row := range rows {
			if err := a.printJSON(row); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) == 0 {
		a.say("nothing found")
		return nil
	}
	g := grid{width: a.tableWidth(), color: a.Color && a.OutTerminal}
	for _, c := range columns {
		g.titles = append(g.titles, c.title)
		g.right = append(g.right, c.right)
	}
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = printable(c.cell(row))
		}
		g.rows = append(g.rows, cells)
	}
	_, err := io.WriteString(a.Out, g.render())
	return err
}

// A field of what is printed by itself.
type field struct{ name, value string }

// printOne prints a value as a table of its fields, those without a value left out, or as a document.
func (a *app) printOne(v any, fields []field) error {
	if !a.asTable() {
		return a.printJSON(v)
	}
	g := grid{right: []bool{false, false}, width: a.tableWidth(), color: a.Color && a.OutTerminal}
	for _, f := range fields {
		if f.value != "" {
			g.rows = append(g.rows, []string{f.name, printable(f.value)})
		}
	}
	_, err := io.WriteString(a.Out, g.render())
	return err
}

// tableWidth is how wide a table may become; 0 is as wide as it needs to be.
func (a *app) tableWidth() int {
	if a.OutTerminal {
		return a.Width
	}
	return 0
}

// printable makes text from outside safe for a terminal: control characters, which could move the cursor or worse, become spaces or
// question marks. Line ends stay.
func printable(text string) string {
	clean := func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '?'
	}
	return strings.Map(clean, text)
}

// localTime is a moment in the zone of whoever reads it, to the second.
func localTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// localText is localTime of a time as the state database writes it; what is none stays as it is.
func localText(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return localTime(t)
}

// age is a time span in seconds the way one says it.
func age(seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	span := time.Duration(seconds * float64(time.Second))
	if span < time.Minute {
		return span.Round(100 * time.Millisecond).String()
	}
	return span.Round(time.Second).String()
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
