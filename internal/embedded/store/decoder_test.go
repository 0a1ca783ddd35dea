package store_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"sundog/internal/embedded/store"
)

func TestDecoderTellsWhereAValueEnds(t *testing.T) {
	whole := []byte{7}
	whole = binary.AppendVarint(whole, -300)
	whole = binary.AppendUvarint(whole, 300)
	whole = append(binary.AppendUvarint(whole, 4), "text"...)
	for length := range len(whole) + 1 {
		d := store.Decode(whole[:length])
		b, n, u, text := d.Byte(), d.Varint(), d.Uvarint(), d.Text()
		if length < len(whole) {
			if !errors.Is(d.Err(), store.ErrCutOff) || len(d.Rest()) != 0 || text != "" {
				t.Errorf("%d of %d bytes: %q, %q left, %v", length, len(whole), text, d.Rest(), d.Err())
			}
			continue
		}
		if b != 7 || n != -300 || u != 300 || text != "text" || d.Err() != nil || len(d.Rest()) != 0 {
			t.Errorf("read %d %d %d %q, %v", b, n, u, text, d.Err())
		}
	}
	long := binary.AppendUvarint(nil, 1<<60)
	if d := store.Decode(long); d.Text() != "" || d.Err() == nil {
		t.Error("a text longer than the value was read")
	}
}
