package embedded_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"sundog/internal/embedded"
	"sundog/internal/embedded/store"
	"sundog/internal/project"
)

// TestDiskFailureEndsThePlatform: nobody can know what has reached a disk that failed, so nothing may go on as if it had.
func TestDiskFailureEndsThePlatform(t *testing.T) {
	memory := vfs.NewMem()
	full := errors.New("no space left on device")
	var failing errorfs.Toggle
	failing.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && filepath.Ext(op.Path) == ".log" {
			return full
		}
		return nil
	})
	opts := embedded.Options{Data: t.TempDir(), Store: store.Options{FS: errorfs.Wrap(memory, &failing)}}
	p, err := embedded.Open(t.Context(), project.Default(t.TempDir(), "disk"), opts)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	failing.On()
	submission := embedded.Submission{Body: []byte(`{"type":"FeatureCollection"}`)}
	if _, err := p.Submit(t.Context(), []embedded.Submission{submission}); !errors.Is(err, store.ErrFailed) {
		t.Errorf("a payload that could not be written was answered with %v", err)
	}
	if err := <-ended; !errors.Is(err, store.ErrFailed) || !errors.Is(err, full) {
		t.Errorf("the platform ended with %v", err)
	}
	failing.Off()
	_ = p.Close(t.Context()) // says again that the disk failed
}
