package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/embedded"
	"sundog/internal/problem"
)

// Bounds of one group of payloads that are written together.
const (
	groupLines = 200
	groupBytes = 4 << 20
)

// submit takes payloads into the process queue: NDJSON, answered line by line as they are on disk, or one JSON document, which is a payload, an
// event that holds payloads, or an array of such.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	lane := r.URL.Query().Get("lane")
	if err := s.platform.CheckLane(lane); err != nil {
		s.fail(w, r, problem.Wrap(problem.Invalid, err, ""))
		return
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		s.fail(w, r, problem.Wrap(problem.Invalid, err, "reading Content-Type"))
		return
	}
	switch kind {
	case api.ContentTypeNDJSON, "application/ndjson", "application/jsonl":
		s.submitLines(w, r, lane)
	case "application/json", "application/geo+json", "", "application/x-www-form-urlencoded": // what curl says of --data
		s.submitDocument(w, r, lane)
	default:
		s.fail(w, r, problem.New(problem.Invalid, "a body of type %s cannot be read", kind).WithHint("send application/json or %s", api.ContentTypeNDJSON))
	}
}

func (s *Server) submitDocument(w http.ResponseWriter, r *http.Request, lane string) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.fail(w, r, readError(err))
		return
	}
	text = bytes.TrimSpace(text)
	documents := []json.RawMessage{text}
	if len(text) > 0 && text[0] == '[' {
		if err := json.Unmarshal(text, &documents); err != nil {
			s.fail(w, r, problem.Wrap(problem.Invalid, err, "reading the body"))
			return
		}
	}
	handle(s, func(*http.Request) ([]api.Accepted, error) {
		g := group{lane: lane}
		for _, doc := range documents {
			g.add(doc)
		}
		return s.accept(r, &g)
	})(w, r)
}

func readError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit).WithHint("send many payloads as %s, one per line", api.ContentTypeNDJSON)
	}
	return problem.Wrap(problem.Invalid, err, "reading the body")
}

// A group is payloads that are written together.
type group struct {
	lane  string
	first int // number of the first payload, less one
	docs  [][]byte
	bytes int
}

func (g *group) add(doc []byte) {
	g.docs = append(g.docs, doc)
	g.bytes += len(doc)
}

func (g *group) full() bool { return len(g.docs) >= groupLines || g.bytes >= groupBytes }

// accept writes a group to the queue and answers each of its payloads.
func (s *Server) accept(r *http.Request, g *group) ([]api.Accepted, error) {
	if len(g.docs) == 0 {
		return []api.Accepted{}, nil
	}
	answers := make([]api.Accepted, len(g.docs))
	submissions := make([]embedded.Submission, 0, len(g.docs))
	places := make([]int, 0, len(g.docs))
	for i, doc := range g.docs {
		answers[i].Line = g.first + i + 1
		id, err := s.platform.CheckPayload(doc)
		answers[i].PayloadID = id
		if err != nil {
			answers[i].Error = err.Error()
			continue
		}
		submissions = append(submissions, embedded.Submission{Body: doc, Lane: g.lane})
		places = append(places, i)
	}
	ids, err := s.platform.Submit(r.Context(), submissions)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		answers[places[i]].MessageID = id
	}
	g.first += len(g.docs)
	g.docs, g.bytes = g.docs[:0], 0
	return answers, nil
}

// submitLines works through payloads while they come.
func (s *Server) submitLines(w http.ResponseWriter, r *http.Request, lane string) {
	g := &group{lane: lane}
	workThrough(s, w, r, s.platform.Project.Limits.PayloadBytes, g, func() ([]api.Accepted, error) { return s.accept(r, g) })
}

// A gathering takes lines until it is full.
type gathering interface {
	add(line []byte)
	full() bool
}

// workThrough works through NDJSON while it comes: it gathers lines, and answers each once they are accepted. Accepting empties the
// gathering; of an empty one there are no answers. A line over the limit comes cut, just long enough to be refused for its length.
func workThrough[A any](s *Server, w http.ResponseWriter, r *http.Request, limit int, g gathering, accept func() ([]A, error)) {
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
			g.add(line)
		}
		if err == nil && !g.full() && lines.Buffered() > 0 {
			continue
		}
		if flushErr := flush(); flushErr != nil {
			s.cutOff(r, flushErr)
			return
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.cutOff(r, err)
			return
		}
	}
}

// cutOff ends an answer that has begun: the client sees that it is not whole.
func (s *Server) cutOff(r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.opts.Logger.Warn("an answer was cut off", "path", r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler)
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
