package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// The events of one step, in chunks, are stored under the number of the first, in a compact form: number and previous number as
// differences, the type by its name, then the details that are set, each behind a tag.

func historyKey(execution uint64, first int64) store.Key {
	return store.NewKey(store.PrefixHistory).Uint(execution).Uint(uint64(first))
}

func writeHistory(tx *store.Tx, execution uint64, events []asl.HistoryEvent, docs *documents) {
	for chunk := range slices.Chunk(events, maxChunk) {
		w := historyWriter{buf: make([]byte, 0, 64*len(chunk)), docs: docs}
		for _, ev := range chunk {
			w.event(ev)
		}
		tx.Set(historyKey(execution, chunk[0].ID), w.buf)
	}
}

// maxChunk bounds the events that lie under one key, so that a page never has to look further back than that.
const maxChunk = 512

// Tags of the details. They are on disk: a number is never used for something else.
const (
	tagEnd = iota
	tagName
	tagInput
	tagOutput
	tagParameters
	tagResource
	tagResourceType
	tagRegion
	tagTimeout
	tagHeartbeat
	tagCredentials
	tagError
	tagCause
	tagIndex
	tagLength
	tagRole
	tagWorker
	tagMapRun
	tagState
	tagLocation
	tagVariable // repeated: name, text
	tagRedrives
	tagTask
)

type historyWriter struct {
	buf  []byte
	docs *documents
}

func (w *historyWriter) event(ev asl.HistoryEvent) {
	w.buf = binary.AppendVarint(w.buf, ev.ID)
	w.buf = binary.AppendVarint(w.buf, ev.ID-ev.Previous)
	w.buf = binary.AppendVarint(w.buf, ev.At.UnixNano())
	w.text(ev.Type)
	d := ev.Details
	w.number(tagTask, int64(d.Task))
	w.tagText(tagName, d.Name)
	w.document(tagInput, d.Input)
	w.document(tagOutput, d.Output)
	w.document(tagParameters, d.Parameters)
	w.tagText(tagResource, d.Resource)
	w.tagText(tagResourceType, d.ResourceType)
	w.tagText(tagRegion, d.Region)
	w.number(tagTimeout, d.TimeoutSeconds)
	w.number(tagHeartbeat, d.HeartbeatSeconds)
	w.document(tagCredentials, d.Credentials)
	if d.HasError {
		w.buf = append(w.buf, tagError)
		w.text(d.Error)
	}
	if d.HasCause {
		w.buf = append(w.buf, tagCause)
		w.text(d.Cause)
	}
	w.number(tagIndex, d.Index)
	w.number(tagLength, d.Length)
	w.tagText(tagRole, d.RoleARN)
	w.number(tagRedrives, d.RedriveCount)
	w.tagText(tagWorker, d.WorkerName)
	w.tagText(tagMapRun, d.MapRunARN)
	w.tagText(tagState, d.State)
	w.tagText(tagLocation, d.Location)
	for _, name := range slices.Sorted(maps.Keys(d.AssignedVariables)) {
		w.buf = append(w.buf, tagVariable)
		w.text(name)
		w.text(d.AssignedVariables[name])
	}
	w.buf = append(w.buf, tagEnd)
}

func (w *historyWriter) text(s string) {
	w.buf = binary.AppendUvarint(w.buf, uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *historyWriter) tagText(tag byte, s string) {
	if s != "" {
		w.buf = append(w.buf, tag)
		w.text(s)
	}
}

func (w *historyWriter) number(tag byte, n int64) {
	if n != 0 {
		w.buf = binary.AppendVarint(append(w.buf, tag), n)
	}
}

func (w *historyWriter) document(tag byte, doc *asl.Document) {
	if doc != nil {
		w.buf = binary.AppendUvarint(append(w.buf, tag), w.docs.Put(doc))
	}
}

var errHistory = errors.New("malformed history")

// readHistory reads the events of one step back.
func readHistory(value []byte, docs asl.DocumentReader) ([]asl.HistoryEvent, error) {
	r := historyReader{Decoder: store.Decode(value), docs: docs}
	var events []asl.HistoryEvent
	for len(r.Rest()) > 0 && r.failure() == nil {
		events = append(events, r.event())
	}
	return events, r.failure()
}

type historyReader struct {
	*store.Decoder
	docs asl.DocumentReader
	err  error // first one that is not the decoder's
}

func (r *historyReader) failure() error {
	if r.err != nil {
		return r.err
	}
	return r.Err()
}

func (r *historyReader) event() asl.HistoryEvent {
	ev := asl.HistoryEvent{ID: r.Varint()}
	ev.Previous = ev.ID - r.Varint()
	ev.At = time.Unix(0, r.Varint()).UTC()
	ev.Type = r.Text()
	d := &ev.Details
	for r.failure() == nil {
		tag := r.Byte()
		switch tag {
		case tagEnd:
			return ev
		case tagTask:
			d.Task = asl.TaskID(r.Varint())
		case tagName:
			d.Name = r.Text()
		case tagInput:
			d.Input = r.document()
		case tagOutput:
			d.Output = r.document()
		case tagParameters:
			d.Parameters = r.document()
		case tagResource:
			d.Resource = r.Text()
		case tagResourceType:
			d.ResourceType = r.Text()
		case tagRegion:
			d.Region = r.Text()
		case tagTimeout:
			d.TimeoutSeconds = r.Varint()
		case tagHeartbeat:
			d.HeartbeatSeconds = r.Varint()
		case tagCredentials:
			d.Credentials = r.document()
		case tagError:
			d.HasError, d.Error = true, r.Text()
		case tagCause:
			d.HasCause, d.Cause = true, r.Text()
		case tagIndex:
			d.Index = r.Varint()
		case tagLength:
			d.Length = r.Varint()
		case tagRole:
			d.RoleARN = r.Text()
		case tagRedrives:
			d.RedriveCount = r.Varint()
		case tagWorker:
			d.WorkerName = r.Text()
		case tagMapRun:
			d.MapRunARN = r.Text()
		case tagState:
			d.State = r.Text()
		case tagLocation:
			d.Location = r.Text()
		case tagVariable:
			if d.AssignedVariables == nil {
				d.AssignedVariables = map[string]string{}
			}
			name := r.Text()
			d.AssignedVariables[name] = r.Text()
		default:
			r.fail(fmt.Errorf("%w: tag %d of event %d", errHistory, tag, ev.ID))
		}
	}
	return ev
}

func (r *historyReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *historyReader) document() *asl.Document {
	n := r.Uvarint()
	if r.failure() != nil {
		return nil
	}
	doc, err := r.docs.Document(n)
	if err != nil {
		r.fail(err)
	}
	return doc
}
