// Package request reads what requests to the HTTP API (/v1) ask for: parameters, bodies, lines. Whoever answers them, a server or the
// command line for a deployment without one, reads them by the same rules and complains in the same words: every error is an Invalid or
// TooLarge of package problem.
package request

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/payload"
)

// MaxBody bounds one JSON document, in bytes.
const MaxBody = 64 << 20

// Body reads a JSON document into a value, and refuses fields that it does not know. An empty body leaves the value as it is.
func Body(r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, MaxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil // every field has a zero value that means something
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return problem.Wrap(problem.Invalid, err, "reading the body")
	}
	return nil
}

// ReadError is the error of a body of a request that cannot be read.
func ReadError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit).WithHint("send many payloads as %s, one per line", api.ContentTypeNDJSON)
	}
	return problem.Wrap(problem.Invalid, err, "reading the body")
}

// Event reads the event of a function: a JSON document of limit bytes at most, or nothing.
func Event(r *http.Request, limit int64) ([]byte, error) {
	event, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, problem.New(problem.TooLarge, "the event is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "reading the event")
	}
	if len(event) > 0 && !json.Valid(event) {
		return nil, problem.New(problem.Invalid, "the event is no JSON document")
	}
	return event, nil
}

// Number reads a whole number from the query, from low to high.
func Number(r *http.Request, name string, otherwise, low, high int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case (err != nil || n < low) && high == math.MaxInt:
		return 0, problem.New(problem.Invalid, "the parameter %s=%q is no whole number from %d on", name, text, low)
	case err != nil || n < low || n > high:
		return 0, problem.New(problem.Invalid, "the parameter %s=%q is no whole number from %d to %d", name, text, low, high)
	}
	return n, nil
}

// Flag reads true or false from the query; a name without value is true.
func Flag(r *http.Request, name string) (bool, error) {
	if !r.URL.Query().Has(name) {
		return false, nil
	}
	text := r.URL.Query().Get(name)
	if text == "" {
		return true, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, problem.New(problem.Invalid, "the parameter %s=%q is neither true nor false", name, text)
	}
	return on, nil
}

// Instant reads a time that is so long ago ("7d"), or RFC 3339; none when empty.
func Instant(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	since, err := payload.ParseSince(text)
	if err != nil {
		return time.Time{}, problem.Wrap(problem.Invalid, err, "%s=%q is no time", name, text).WithHint("write how long ago (7d, 24h, 30m) or a time such as 2026-01-31T12:00:00Z")
	}
	return since.Before(time.Now()), nil
}

// PayloadID reads the id that a request names: the rest of the path, or, for ids that a path cannot hold, a parameter.
func PayloadID(r *http.Request) (payload.ID, error) {
	text := cmp.Or(r.PathValue("id"), r.URL.Query().Get("id"))
	id, err := payload.ParseID(text)
	if err != nil {
		return id, problem.Wrap(problem.Invalid, err, "").WithHint("a payload id looks like COLLECTIONS/workflow-NAME/ITEMIDS")
	}
	return id, nil
}

// Lines says whether a request asks for NDJSON.
func Lines(r *http.Request) bool { return Accepts(r, api.ContentTypeNDJSON) }

// Accepts says whether a request asks for a media type by its name.
func Accepts(r *http.Request, media string) bool {
	for _, accepted := range r.Header.Values("Accept") {
		if strings.Contains(accepted, media) {
			return true
		}
	}
	return false
}
