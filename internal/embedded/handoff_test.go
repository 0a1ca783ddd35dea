package embedded

import (
	"fmt"
	"testing"

	"sundog/internal/pipeline"
)

func TestHandoffIsBoundedAndForgetsWhatNobodyTakes(t *testing.T) {
	var h handoff
	document := make([]byte, 1<<20)
	for i := range 100 {
		h.put(fmt.Sprint(i), pipeline.Execution{Output: document, PayloadID: fmt.Sprint(i)})
		if x, ok := h.take(fmt.Sprint(i)); i%2 == 0 && (!ok || x.PayloadID != fmt.Sprint(i)) {
			t.Errorf("the latest entry %d is not there", i)
		} else if i%2 == 1 {
			h.put(fmt.Sprint(i), x)
		}
		if h.bytes > maxHandoff {
			t.Fatalf("%d bytes are held", h.bytes)
		}
	}
	for i := range 100 {
		h.take(fmt.Sprint(i))
	}
	if h.bytes != 0 || len(h.byARN) != 0 {
		t.Errorf("%d bytes in %d entries are left", h.bytes, len(h.byARN))
	}
}
