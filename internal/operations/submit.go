package operations

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/request"
)

// Bounds of one group of payloads that are written together.
const (
	groupLines = 200
	groupBytes = 4 << 20
)

// Intake takes payloads into the process queue.
type Intake interface {
	// CheckLane returns an error for a lane that the process queue has not.
	CheckLane(lane string) error
	// CheckPayload looks whether a document can be processed, and returns the id of its payload when it holds exactly one.
	CheckPayload(doc []byte) (id string, err error)
	// Submit sends payloads and returns the ids of their messages, once all of them are stored.
	Submit(ctx context.Context, lane string, docs [][]byte) ([]string, error)
}

// Payloads takes payloads.
type Payloads struct {
	*Surface
	Intake Intake
	// MaxLine bounds a payload that comes as a line, in bytes.
	MaxLine int
}

// Submit takes payloads into the process queue: NDJSON, answered line by line as they are stored, or one JSON document, which is a payload,
// an event that holds payloads, or an array of such.
func (o *Payloads) Submit(w http.ResponseWriter, r *http.Request) {
	lane := r.URL.Query().Get("lane")
	if err := o.Intake.CheckLane(lane); err != nil {
		o.Fail(w, r, problem.Wrap(problem.Invalid, err, ""))
		return
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		o.Fail(w, r, problem.Wrap(problem.Invalid, err, "reading Content-Type"))
		return
	}
	switch kind {
	case api.ContentTypeNDJSON, "application/ndjson", "application/jsonl":
		g := &group{lane: lane}
		WorkThrough(o.Surface, w, r, o.MaxLine, g, func() ([]api.Accepted, error) { return o.accept(r, g) })
	case "application/json", "application/geo+json", "", "application/x-www-form-urlencoded": // what curl says of --data
		o.document(w, r, lane)
	default:
		o.Fail(w, r, problem.New(problem.Invalid, "a body of type %s cannot be read", kind).WithHint("send application/json or %s", api.ContentTypeNDJSON))
	}
}

func (o *Payloads) document(w http.ResponseWriter, r *http.Request, lane string) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, request.MaxBody))
	if err != nil {
		o.Fail(w, r, request.ReadError(err))
		return
	}
	text = bytes.TrimSpace(text)
	documents := []json.RawMessage{text}
	if len(text) > 0 && text[0] == '[' {
		if err := json.Unmarshal(text, &documents); err != nil {
			o.Fail(w, r, problem.Wrap(problem.Invalid, err, "reading the body"))
			return
		}
	}
	Handle(o.Surface, func(*http.Request) ([]api.Accepted, error) {
		g := group{lane: lane}
		for _, doc := range documents {
			g.Add(doc)
		}
		return o.accept(r, &g)
	})(w, r)
}

// A group is payloads that are written together.
type group struct {
	lane  string
	first int // number of the first payload, less one
	docs  [][]byte
	bytes int
}

// Add implements Gathering.
func (g *group) Add(doc []byte) {
	g.docs = append(g.docs, doc)
	g.bytes += len(doc)
}

// Full implements Gathering.
func (g *group) Full() bool { return len(g.docs) >= groupLines || g.bytes >= groupBytes }

// accept writes a group to the queue and answers each of its payloads.
func (o *Payloads) accept(r *http.Request, g *group) ([]api.Accepted, error) {
	if len(g.docs) == 0 {
		return []api.Accepted{}, nil
	}
	answers := make([]api.Accepted, len(g.docs))
	docs := make([][]byte, 0, len(g.docs))
	places := make([]int, 0, len(g.docs))
	for i, doc := range g.docs {
		answers[i].Line = g.first + i + 1
		id, err := o.Intake.CheckPayload(doc)
		answers[i].PayloadID = id
		if err != nil {
			answers[i].Error = err.Error()
			continue
		}
		docs = append(docs, doc)
		places = append(places, i)
	}
	ids, err := o.Intake.Submit(r.Context(), g.lane, docs)
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
