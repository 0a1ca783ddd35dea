package trigger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/queue"
	domain "sundog/internal/trigger"
)

var callee = domain.Target{Kind: domain.ToFunction, Name: "callee"}

// TestFailureBlocksOnlyItsKey has one item whose changes are refused for ever, and one that is refused twice.
func TestFailureBlocksOnlyItsKey(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := things("call", callee)
		spec.Retries = 3
		w := open(t, vfs.NewMem(), nil, spec)
		defer w.close()
		refusals := map[string]int{"bad1": 100, "bad2": 100, "weak1": 2}
		w.fail = func(event string) error {
			if n := number(event); refusals[n] > 0 {
				refusals[n]--
				return errBroken
			}
			return nil
		}
		w.run()
		for n := 1; n <= 3; n++ {
			for _, id := range []string{"bad", "good", "weak"} {
				w.put(id, n)
			}
		}
		settle(0)
		calls := numbers(w.called())
		for _, want := range []string{"good1", "good2", "good3"} {
			if !slices.Contains(calls, want) {
				t.Errorf("%s waits for others: %v", want, calls)
			}
		}
		settle(10 * time.Minute)
		of := map[string][]string{}
		for _, c := range numbers(w.called()) {
			of[strings.TrimRight(c, "0123456789")] = append(of[strings.TrimRight(c, "0123456789")], c)
		}
		want := map[string][]string{
			"good": {"good1", "good2", "good3"},
			"weak": {"weak1", "weak1", "weak1", "weak2", "weak3"},
			"bad":  {"bad1", "bad1", "bad1", "bad1", "bad2", "bad2", "bad2", "bad2", "bad3"},
		}
		if diff := cmp.Diff(want, of); diff != "" {
			t.Errorf("the calls of each key (-want +got):\n%s", diff)
		}
		dead := w.dead("trigger/call")
		if len(dead) != 2 || !strings.Contains(dead[0].Reason, errBroken.Error()) || dead[0].ReceiveCount != 4 || !strings.Contains(string(dead[1].Body), `"NewImage"`) {
			t.Fatalf("dead letters: %+v", dead)
		}

		// Sent again, they are handled.
		w.mu.Lock()
		clear(refusals)
		w.mu.Unlock()
		w.forget()
		if n, err := w.queue("trigger/call").SendAllAgain(t.Context(), nil); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		settle(0)
		again := numbers(w.called())
		if slices.Sort(again); !slices.Equal(again, []string{"bad1", "bad2"}) {
			t.Errorf("sent again: %v", again)
		}
		if s, err := w.triggers.Show(t.Context(), "call"); err != nil || s.Lag.Events != 0 || s.Dead != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// TestHangingTarget has items whose calls hang for a minute before they fail: more changes of one than are kept in memory, then more items than there
// may be calls.
func TestHangingTarget(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := things("call", callee)
		spec.Retries, spec.Parallelism = 1000, 4
		w := open(t, vfs.NewMem(), nil, spec)
		defer w.close()
		w.slowness = time.Minute
		w.fail = func(event string) error {
			if strings.HasPrefix(number(event), "bad") {
				return errBroken
			}
			return nil
		}
		w.run()
		good := 0
		goesOn := func() {
			t.Helper()
			good++
			w.put("good", good)
			settle(0)
			if calls := numbers(w.called()); !slices.Contains(calls, fmt.Sprintf("good%d", good)) {
				t.Fatalf("change %d of the good item waits for others", good)
			}
		}
		w.put("bad-", 0)
		settle(90 * time.Second) // the first retry is under way
		for n := 1; n <= 1500; n++ {
			w.put("bad-", n)
		}
		goesOn()
		for i := range 40 {
			w.put(fmt.Sprintf("bad-%d-", i), 0)
		}
		settle(time.Hour)
		for range 10 {
			goesOn()
			settle(time.Minute)
		}
		s, err := w.triggers.Show(t.Context(), "call")
		if err != nil || s.Waiting != 1541 || s.Lag.Events != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// TestWaitingOutlivesACrash crashes while the events of a key wait.
func TestWaitingOutlivesACrash(t *testing.T) {
	virtual(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		spec := things("call", callee)
		spec.Retries = 10
		w := open(t, fs, nil, spec)
		w.fail = func(string) error { return errBroken }
		w.run()
		for n := 1; n <= 3; n++ {
			w.put("a", n)
		}
		settle(2 * time.Second)
		left := fs.CrashClone(vfs.CrashCloneCfg{})
		w.close()

		w = open(t, left, nil, spec)
		defer w.close()
		w.run()
		settle(time.Hour)
		if got := numbers(w.called()); !slices.Equal(got, []string{"a1", "a2", "a3"}) {
			t.Errorf("calls after the crash: %v", got)
		}
	})
}

// TestBisect has one event of a batch that is refused for ever.
func TestBisect(t *testing.T) {
	for _, c := range []struct {
		name   string
		bisect bool
		dead   int
	}{{"divided", true, 1}, {"whole", false, 8}} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				spec := things("call", callee)
				spec.BatchSize, spec.BatchWindow, spec.Retries, spec.Bisect = 8, time.Second, 1, c.bisect
				w := open(t, vfs.NewMem(), nil, spec)
				defer w.close()
				w.fail = func(event string) error {
					if strings.Contains(event, `"N":"5"`) {
						return errBroken
					}
					return nil
				}
				for n := 1; n <= 8; n++ {
					w.put("a", n)
				}
				w.run()
				settle(time.Hour)
				if dead := w.dead("trigger/call"); len(dead) != c.dead {
					t.Errorf("%d dead letters, want %d", len(dead), c.dead)
				}
				handled := map[string]bool{}
				for _, call := range w.called() {
					if strings.Contains(call, `"N":"5"`) {
						continue
					}
					for _, part := range strings.Split(call, `"N":"`)[1:] {
						handled[part[:1]] = true
					}
				}
				if want := 8 - c.dead; len(handled) != want {
					t.Errorf("handled %v, want %d", handled, want)
				}
			})
		})
	}
}

// TestBatches looks at when batches are made.
func TestBatches(t *testing.T) {
	for _, target := range []domain.Target{callee, {Kind: domain.ToQueue, Name: "out"}} {
		t.Run(string(target.Kind), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				spec := things("batch", target)
				spec.Input = []byte(`"<$.dynamodb.NewImage.n.N>"`)
				spec.BatchSize, spec.BatchWindow = 3, time.Minute
				w := open(t, vfs.NewMem(), nil, spec)
				defer w.close()
				w.run()
				inputs := func() []string {
					if target.Kind == domain.ToQueue {
						return w.received("out")
					}
					return w.forget()
				}
				for n := 1; n <= 4; n++ {
					w.put("a", n)
				}
				settle(0)
				if got := inputs(); !slices.Equal(got, []string{`{"Records":["1","2","3"]}`}) {
					t.Errorf("a full batch: %v", got)
				}
				settle(59 * time.Second)
				if got := inputs(); len(got) != 0 {
					t.Errorf("before its time: %v", got)
				}
				settle(2 * time.Second)
				if got := inputs(); !slices.Equal(got, []string{`{"Records":["4"]}`}) {
					t.Errorf("after its time: %v", got)
				}
			})
		})
	}
}

// TestParallelism bounds the open executions.
func TestParallelism(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := things("start", domain.Target{Kind: domain.ToWorkflow, Name: "wait"})
		spec.Parallelism = 2
		w := open(t, vfs.NewMem(), nil, spec)
		defer w.close()
		w.run()
		for n := 1; n <= 5; n++ {
			w.put("a", n)
		}
		for _, want := range []int{2, 4, 5} {
			settle(time.Second)
			if got := w.executions("wait"); len(got) != want {
				t.Errorf("%d executions were started, want %d", len(got), want)
			}
			settle(time.Minute)
		}
	})
}

// TestRefused has a target that will never take an event, and one that is too old.
func TestRefused(t *testing.T) {
	virtual(t, func(t *testing.T) {
		big := things("big", domain.Target{Kind: domain.ToWorkflow, Name: "pass"})
		big.Input = []byte(`["` + strings.Repeat(`<$.dynamodb>`, 600) + `"]`)
		old := things("old", domain.Target{Kind: domain.ToQueue, Name: "out"})
		old.MaxAge = time.Minute
		w := open(t, vfs.NewMem(), nil, big, old)
		defer w.close()
		w.put(strings.Repeat("x", 1000), 1)
		settle(2 * time.Minute)
		w.run()
		settle(0)
		for name, reason := range map[string]string{"trigger/big": "invalid execution input", "trigger/old": "older than 1m0s"} {
			if dead := w.dead(name); len(dead) != 1 || !strings.Contains(dead[0].Reason, reason) {
				t.Errorf("%s: %+v", name, dead)
			}
		}
		if got := w.received("out"); len(got) != 0 {
			t.Errorf("it was handled: %v", got)
		}
	})
}

// TestMessages has topics and queues as sources, for each kind of target.
func TestMessages(t *testing.T) {
	for _, source := range []domain.Source{{Kind: domain.Topic, Name: "news"}, {Kind: domain.Queue, Name: "in"}} {
		for _, target := range []domain.Target{callee, {Kind: domain.ToWorkflow, Name: "pass"}} {
			t.Run(string(source.Kind)+" to "+string(target.Kind), func(t *testing.T) {
				virtual(t, func(t *testing.T) { messages(t, source, target) })
			})
		}
	}
}

func messages(t *testing.T, source domain.Source, target domain.Target) {
	field := "body"
	if source.Kind == domain.Topic {
		field = "message"
	}
	spec := domain.Spec{Name: "m", Source: source, Target: target, Retries: 2, Filter: []byte(`{"` + field + `":{"n":[{"numeric":[">",1]}]}}`), Input: []byte(`"<$.` + field + `.n>"`)}
	w := open(t, vfs.NewMem(), nil, spec)
	defer w.close()
	failures := 2
	w.fail = func(string) error {
		if failures--; failures >= 0 {
			return errBroken
		}
		return nil
	}
	w.run()
	for _, body := range []string{`{"n":1}`, `no JSON`, `{"n":2}`} {
		var err error
		if source.Kind == domain.Topic {
			_, err = w.topics.Publish(t.Context(), "news", topicDraft(body))
		} else {
			_, err = w.queue("in").Send(t.Context(), queue.Draft{Body: []byte(body)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	settle(time.Minute)
	if target.Kind == domain.ToFunction {
		if got := w.called(); !slices.Equal(got, []string{"2", "2", "2"}) {
			t.Errorf("calls: %v", got)
		}
	} else if got := w.executions("pass"); len(got) != 1 || !strings.HasPrefix(got[0], "m-") {
		t.Errorf("executions: %v", got)
	}
	s, err := w.triggers.Show(t.Context(), "m")
	if err != nil || s.Lag.Events != 0 || s.Dead != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := w.triggers.Replay(t.Context(), "m", 0); err == nil {
		t.Error("it is replayed though nothing is kept")
	}
}
