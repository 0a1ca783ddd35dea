package operations

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"sundog/internal/api"
)

// A Gathering takes lines until it is full.
type Gathering interface {
	Add(line []byte)
	Full() bool
}

// WorkThrough works through NDJSON while it comes: it gathers lines, and answers each once they are accepted. Accepting empties the
// gathering; of an empty one there are no answers. A line over the limit comes cut, just long enough to be refused for its length.
func WorkThrough[A any](s *Surface, w http.ResponseWriter, r *http.Request, limit int, g Gathering, accept func() ([]A, error)) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // answers begin before the last line is read; HTTP/2 does so anyway
	w.Header().Set("Content-Type", api.ContentTypeNDJSON)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	flush := func() error {
		answers, err := accept()
		if err != nil || len(answers) == 0 {
			return err
		}
		for _, a := range answers {
			if err := enc.Encode(a); err != nil {
				return err
			}
		}
		return control.Flush()
	}
	lines := bufio.NewReaderSize(r.Body, 256<<10)
	for {
		line, err := readLine(lines, limit)
		if len(line) > 0 {
			g.Add(line)
		}
		if err == nil && !g.Full() && lines.Buffered() > 0 {
			continue
		}
		if flushErr := flush(); flushErr != nil {
			s.CutOff(w, r, flushErr)
			return
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.CutOff(w, r, err)
			return
		}
	}
}

// readLine reads a line without its end, cut when it is over the limit; empty lines are skipped.
func readLine(lines *bufio.Reader, limit int) ([]byte, error) {
	for {
		var line []byte
		for {
			part, err := lines.ReadSlice('\n')
			if room := limit + 1 - len(line); room > 0 {
				line = append(line, part[:min(room, len(part))]...)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if line = bytes.TrimSpace(line); len(line) > 0 || err != nil {
				return line, err
			}
			break
		}
	}
}
