package logs

import (
	"testing"
	"time"
)

var epochForFuzzing = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A record that was damaged is refused or read as something else, but never brings the reader down.
func FuzzDecodeLines(f *testing.F) {
	s := newStream("function/f/1", epochForFuzzing)
	s.write([]byte("one\ntwo\nthree"), epochForFuzzing)
	s.finish(epochForFuzzing)
	meta, lines := s.encode()
	f.Add(lines)
	f.Add(meta)
	f.Add([]byte{})
	f.Add([]byte{codec, 0, 1, 200, 1, 5, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		lines, err := decodeLines(value)
		if err != nil && lines != nil {
			t.Error("lines and an error")
		}
		size := 0
		for _, l := range lines {
			size += len(l.Text)
		}
		if size > len(value)+64 { // the line that says what was left out is made up
			t.Errorf("%d bytes of text out of %d", size, len(value))
		}
		if _, err := decodeMeta("name", value); err == nil && len(value) < 5 {
			t.Error("a description out of nothing")
		}
	})
}
