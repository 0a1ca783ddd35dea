package integration_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/integration"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
)

// sender is a workflow that sends a message, publishes one and puts an event, and then waits for the token that it has sent.
const sender = `{"StartAt": "Send", "States": {
	"Send": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": "orders", "MessageBody": "order"}, "ResultPath": null, "Next": "Publish"},
	"Publish": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn": "alarms", "Message": "alarm"}, "ResultPath": null, "Next": "Put"},
	"Put": {"Type": "Task", "Resource": "arn:aws:states:::events:putEvents", "Parameters": {"Entries": [{"Source": "a", "DetailType": "b", "Detail": {}}]}, "ResultPath": null, "Next": "Ask"},
	"Ask": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"QueueUrl": "questions", "MessageBody.$": "$$.Task.Token"}, "End": true}}}`

// A run of the platform, which ends with its first fault.
type senderRun struct {
	*engine.Engine
	queues *queue.Queues
	close  func() // may report that the store has failed
}

func openSender(t *testing.T, opts store.Options) *senderRun {
	t.Helper()
	st, err := store.Open("data", opts)
	if err != nil {
		t.Fatal(err)
	}
	r := &senderRun{}
	if r.queues, err = queue.Open(t.Context(), st, queue.Options{}); err != nil {
		t.Fatal(err)
	}
	topics := topic.Open(st, r.queues, topic.Options{})
	for _, name := range []string{"orders", "questions", "alarms", integration.DefaultBus} {
		if _, err := r.queues.Declare(t.Context(), name, queue.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"alarms", integration.DefaultBus} {
		if err := topics.Subscribe(t.Context(), topic.Subscription{Name: name, Topic: name, Queue: name}); err != nil {
			t.Fatal(err)
		}
	}
	runner := &integration.Runner{Store: st, Queues: r.queues, Topics: topics}
	if r.Engine, err = engine.New(engine.Options{Store: st, Runner: runner, Region: "us-east-1", Account: "000000000000"}); err != nil {
		t.Fatal(err)
	}
	runner.Executions = r.Engine
	if err := r.Register(t.Context(), "sender", "STANDARD", []byte(sender)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.close = func() {
		cancel()
		<-ended
		topics.Close()
		r.queues.Close()
		_ = st.Close() // a store that has failed says so
	}
	return r
}

// answerQuestions answers the workflow's question, and says how many questions there were.
func (r *senderRun) answerQuestions(t *testing.T) int {
	t.Helper()
	q, err := r.queues.Queue(t.Context(), "questions")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		m, ok := receive(t, q, time.Second)
		if !ok {
			return n
		}
		n++
		if err := r.SendTaskSuccess(t.Context(), string(m.Body), []byte(`"answered"`)); err != nil {
			t.Errorf("who has the token of question %d cannot answer: %v", n, err)
		}
	}
}

// TestSentOnce lets a crash that loses what was not synced come at each commit of a workflow that sends. What is left goes on, and everything has
// been sent once, neither more nor less.
func TestSentOnce(t *testing.T) {
	injected := errors.New("injected")
	reached := true
	k := int64(1)
	for ; reached && !t.Failed(); k++ {
		synctest.Test(t, func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			var armed atomic.Bool
			var commits atomic.Int64
			var left atomic.Pointer[vfs.MemFS]
			r := openSender(t, store.Options{FS: fs, BeforeCommit: func(int64) error {
				if !armed.Load() {
					return nil
				}
				switch n := commits.Add(1); {
				case n == k:
					left.Store(fs.CrashClone(vfs.CrashCloneCfg{}))
					return injected
				case n > k:
					return injected
				}
				return nil
			}})
			d, err := r.Start(t.Context(), engine.StartRequest{Machine: "sender", Name: "x", Input: []byte(`{}`)})
			if err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			synctest.Wait()
			if reached = left.Load() != nil; reached {
				r.close()
				r = openSender(t, store.Options{FS: left.Load()})
				synctest.Wait()
			}
			defer r.close()
			armed.Store(false)
			if n := r.answerQuestions(t); n != 1 {
				t.Errorf("%d questions", n)
			}
			if _, _, output, err := r.Wait(t.Context(), d.ARN); err != nil || string(output) != `"answered"` {
				t.Errorf("the workflow ends with %s, %v", output, err)
			}
			for _, name := range []string{"orders", "alarms", integration.DefaultBus} {
				q, err := r.queues.Queue(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				if n := q.Depth().Total(); n != 1 {
					t.Errorf("%d messages in %s", n, name)
				}
			}
			if t.Failed() {
				t.Logf("the crash came at commit %d", k)
			}
		})
	}
	t.Logf("a crash at each of %d commits", k-2)
	if k-2 < 4 && !t.Failed() {
		t.Errorf("the workflow took only %d commits", k-2)
	}
}
