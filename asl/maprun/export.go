package maprun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"sundog/asl"
	"sundog/itemreader"
)

// Objects is where datasets are read from and results are written to.
type Objects interface {
	itemreader.Objects
	// Put writes an object, in place of an earlier one. The error is itemreader.ErrNoBucket, ErrRefused, or one of the storage.
	Put(ctx context.Context, bucket, key string, body []byte) error
}

// ErrRefused is what a Put wraps that can never succeed: the key is not one that the storage takes.
var ErrRefused = errors.New("the object cannot be written")

// maxFileBytes is the size at which a file of results is closed and the next is begun.
const maxFileBytes = 8 << 20

// Export writes the results of a run where its ResultWriter says, and returns what is then the output of its state. The same results give the
// same files, so that it can be repeated after a crash. What keeps it from writing is an *asl.RunError when it is not the storage's fault.
func Export(ctx context.Context, objects Objects, run asl.MapRun, results iter.Seq2[Result, error]) (*asl.Document, error) {
	w := run.Settings.Writer
	id := run.ARN[strings.LastIndexByte(run.ARN, ':')+1:]
	e := &export{ctx: ctx, objects: objects, bucket: w.Bucket, lines: w.Lines, folder: id}
	if prefix := strings.TrimSuffix(w.Prefix, "/"); prefix != "" {
		e.folder = prefix + "/" + id
	}
	form := asl.TransformNone
	if w.Transformation != "" {
		form = w.Transformation
	}
	succeeded, failed, pending := e.file("SUCCEEDED"), e.file("FAILED"), e.file("PENDING")
	for r, err := range results {
		if err != nil {
			return nil, err
		}
		to := failed
		switch r.Status {
		case asl.Succeeded:
			to = succeeded
		case Pending:
			to = pending
		}
		if err := r.give(form, to.add); err != nil {
			return nil, err
		}
	}
	manifest := struct {
		DestinationBucket string
		MapRunArn         string
		ResultFiles       map[string][]written
	}{w.Bucket, run.ARN, map[string][]written{}}
	for _, f := range []*file{succeeded, failed, pending} {
		if err := f.flush(); err != nil {
			return nil, err
		}
		manifest.ResultFiles[f.kind] = f.done
	}
	key := e.folder + "/manifest.json"
	text, err := json.Marshal(manifest)
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of %s: %w", run.ARN, err)
	}
	if err := e.put(key, text); err != nil {
		return nil, err
	}
	return asl.Value(map[string]any{
		"MapRunArn": run.ARN, "ResultWriterDetails": map[string]any{"Bucket": w.Bucket, "Key": key},
	}), nil
}

// Pending is the status of a child that was never started, because the run had failed.
const Pending asl.Status = "PENDING"

// An export is the writing of one run's results.
type export struct {
	ctx     context.Context //nolint:containedctx // it is one call
	objects Objects
	bucket  string
	folder  string
	lines   bool
}

// A written file, as the manifest names it.
type written struct {
	Key  string
	Size int
}

// A file gathers results of one kind.
type file struct {
	e    *export
	kind string
	text []byte
	done []written
}

func (e *export) file(kind string) *file { return &file{e: e, kind: kind, done: []written{}} }

func (f *file) add(d *asl.Document) error {
	switch {
	case f.e.lines:
	case len(f.text) == 0:
		f.text = append(f.text, '[')
	default:
		f.text = append(f.text, ',')
	}
	f.text = append(f.text, d.Bytes()...)
	if f.e.lines {
		f.text = append(f.text, '\n')
	}
	if len(f.text) < maxFileBytes {
		return nil
	}
	return f.flush()
}

// flush writes what was gathered, if anything was.
func (f *file) flush() error {
	if len(f.text) == 0 {
		return nil
	}
	key := f.e.folder + "/" + f.kind + "_" + strconv.Itoa(len(f.done))
	if f.e.lines {
		key += ".jsonl"
	} else {
		key += ".json"
		f.text = append(f.text, ']')
	}
	if err := f.e.put(key, f.text); err != nil {
		return err
	}
	f.done = append(f.done, written{key, len(f.text)})
	f.text = f.text[:0]
	return nil
}

func (e *export) put(key string, text []byte) error {
	err := e.objects.Put(e.ctx, e.bucket, key, text)
	if errors.Is(err, itemreader.ErrNoBucket) {
		return &asl.RunError{Name: errWriter, Cause: itemreader.ErrNoBucket.Error()}
	}
	if errors.Is(err, ErrRefused) {
		return &asl.RunError{Name: errWriter, Cause: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("writing the results of a map run to %s/%s: %w", e.bucket, key, err)
	}
	return nil
}
