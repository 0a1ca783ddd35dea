package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/payload"
)

// underWay bounds how many payloads are sent and not waited for yet.
const underWay = 1000

// feed is the body of a submission: NDJSON made of documents as they are read, on the goroutine of the HTTP transport. It remembers where
// each came from until it is answered.
//
// What blocks in Read blocks between two lines, so the server has whole ones and can answer them.
type feed struct {
	ctx    context.Context // of the submission: Read is told by nobody else when to give up
	docs   *documents
	report func(place, string)
	// lookUp finds what to expect of a payload before it is sent; nil without waiting.
	lookUp   func(text []byte) (expectation, error)
	expected chan expectation
	rest     []byte // of a line that is being read

	mu       sync.Mutex // guards what follows
	sent     int
	runs     []run
	rejected int
	broken   error // why the input could not be read to its end
	stopped  chan struct{}
}

// run says that payloads from one number on lie in the input at their number plus an offset. Places are kept like that because they
// differ from the numbers only after a blank line or a document that was not sent.
type run struct {
	from   int
	offset int
	unit   string
}

func newFeed(ctx context.Context, docs *documents, report func(at place, what string)) *feed {
	return &feed{ctx: ctx, docs: docs, report: report, stopped: make(chan struct{})}
}

// expect makes the feed look up the record of each payload before it is sent.
func (f *feed) expect(c *client.Client) {
	f.expected = make(chan expectation, underWay)
	f.lookUp = func(text []byte) (expectation, error) {
		if p, err := payload.Parse(slices.Clone(text)); err == nil {
			return expect(f.ctx, c, p.ID().String(), p.Replace())
		}
		return expectation{}, nil // the server says why it is no payload, or takes it for an envelope
	}
}

// Read reads on, until the submission's context ends: the transport waits for it before it returns. The input's end is that of the body,
// also when it is a broken one: stop tells about it.
func (f *feed) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		line, err := interruptible(f.ctx, f.line)
		if f.ctx.Err() != nil {
			return 0, context.Cause(f.ctx)
		}
		if err != nil {
			f.end(err)
			return 0, io.EOF
		}
		f.rest = line
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// end keeps why the input ended, unless it was well.
func (f *feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !errors.Is(err, io.EOF) {
		f.broken = err
	}
}

// line returns the next document that can be sent, with its line end.
func (f *feed) line() ([]byte, error) {
	for {
		doc, err := f.docs.next()
		if err != nil {
			return nil, err
		}
		if doc.err != nil {
			f.refuse(doc.place, doc.err.Error())
			continue
		}
		if f.lookUp != nil {
			e, err := f.lookUp(doc.text)
			if err != nil {
				return nil, err
			}
			select {
			case f.expected <- e:
			case <-f.stopped:
				return nil, io.EOF
			}
		}
		f.remember(doc.place)
		return append(doc.text, '\n'), nil
	}
}

// refuse counts and reports a document that does not go through.
func (f *feed) refuse(at place, reason string) {
	f.tell(at, "rejected: "+reason)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rejected++
}

// tell reports something about a document, while the submission lasts. Two goroutines do, one at a time.
func (f *feed) tell(at place, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stopped:
	default:
		f.report(at, what)
	}
}

func (f *feed) remember(at place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	offset := at.number - f.sent
	if last := len(f.runs) - 1; last < 0 || f.runs[last].offset != offset {
		f.runs = append(f.runs, run{from: f.sent, offset: offset, unit: at.unit})
	}
}

// answered returns where the payload lies that the server answered, and what to expect of it, nil without waiting. Answers come in
// the order of the payloads.
func (f *feed) answered(answer api.Accepted) (place, *expectation, error) {
	f.mu.Lock()
	if answer.Line < 1 || answer.Line > f.sent {
		f.mu.Unlock()
		return place{}, nil, problem.New(problem.Unavailable, "the server answered payload %d, which was not sent", answer.Line)
	}
	for len(f.runs) > 1 && f.runs[1].from <= answer.Line {
		f.runs = f.runs[1:]
	}
	at := place{f.runs[0].unit, answer.Line + f.runs[0].offset}
	f.mu.Unlock()
	if answer.Error != "" {
		f.refuse(at, answer.Error)
	}
	if f.expected == nil {
		return at, nil, nil
	}
	e := <-f.expected // it was put there before the payload was sent
	return at, &e, nil
}

// stop ends the feed, and returns how many documents were rejected and why the input could not be read to its end.
func (f *feed) stop() (rejected int, broken error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.stopped)
	return f.rejected, f.broken
}
