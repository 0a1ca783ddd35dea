package store

import (
	"encoding/binary"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// counterMerger adds up varints: the only merged keys are counters.
var counterMerger = &pebble.Merger{
	Name: "sundog.counter.v1",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		return &sum{n: DecodeCounter(value)}, nil
	},
}

type sum struct{ n int64 }

func (s *sum) MergeNewer(value []byte) error { s.n += DecodeCounter(value); return nil }
func (s *sum) MergeOlder(value []byte) error { s.n += DecodeCounter(value); return nil }

func (s *sum) Finish(bool) ([]byte, io.Closer, error) {
	return binary.AppendVarint(nil, s.n), nil, nil
}
