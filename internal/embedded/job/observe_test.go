package job_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sundog/internal/embedded/job"
)

// TestObserve runs and submits jobs that succeed and fail, and looks at what is told of them.
func TestObserve(t *testing.T) {
	var mu sync.Mutex
	var told []string
	r := runner(t, job.Options{Observe: func(name string, took time.Duration, succeeded bool) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf("%s succeeded=%t took=%t", name, succeeded, took > 0))
	}}, shell("good", "true"), shell("bad", "exit 3"))
	if _, err := r.Run(t.Context(), job.Request{Job: "good"}); err != nil {
		t.Error(err)
	}
	if _, err := r.Run(t.Context(), job.Request{Job: "bad"}); err == nil {
		t.Error("it succeeded")
	}
	if _, err := r.Run(t.Context(), job.Request{Job: "none"}); err == nil {
		t.Error("there is such a job")
	}
	if _, err := r.Submit(t.Context(), job.Request{Job: "good"}); err != nil {
		t.Error(err)
	}
	if err := r.Close(t.Context()); err != nil { // waits for what was submitted
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"good succeeded=true took=true", "bad succeeded=false took=true", "good succeeded=true took=true"}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}
