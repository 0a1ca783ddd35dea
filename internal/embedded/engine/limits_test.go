package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// TestLimits: executions keep the quotas that the engine was given.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, fs: vfs.NewMem(), runner: runnerFunc(echo)}
		w.limits = func(o *engine.Options) {
			o.Limits = asl.Limits{DataBytes: 1000, HistoryEvents: 10}
			o.MaxInput = 2000
		}
		w.start()
		defer w.close()
		large := `"` + strings.Repeat("x", 1500) + `"`
		if d, _ := w.run("pass", "large", `{"a":`+large+`}`); d.Status != asl.Failed || d.Error != "States.DataLimitExceeded" {
			t.Errorf("more data than allowed: %+v", d)
		}
		if d, _ := w.run("three", "history", `{}`); d.Status != asl.Failed || d.Error != "States.Runtime" || d.EventCount != 10 ||
			d.RedriveStatusReason != "Execution history event limit exceeded" {
			t.Errorf("more events than allowed: %+v", d)
		}
		_, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "pass", Name: "x", Input: []byte(`"` + strings.Repeat("x", 2000) + `"`)})
		if !errors.Is(err, engine.ErrInvalidInput) {
			t.Errorf("a larger input than allowed: %v", err)
		}
	})
}
