package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/schedule"
)

const scheduleProject = `
name: schedules
queues: [fired]
egress: { allow: [127.0.0.1] }
`

// scheduling makes schedules of four kinds while the server lives and dies, and remembers what became of each.
type scheduling struct {
	s        *server
	receiver *httptest.Server

	mu       sync.Mutex
	next     int
	made     map[string]string       // kind by id, of those that were acknowledged
	attempts map[string]map[int]bool // of requests, by id
	early    []string
}

// What a schedule does, and how its receiver answers.
const (
	toQueue  = "queue"
	taken    = "taken"    // with 200
	busyOnce = "busyonce" // with 503 to the first attempt
	refused  = "refused"  // with 500, twice: then there is a dead letter
)

func newScheduling(t *testing.T, s *server) *scheduling {
	x := &scheduling{s: s, made: map[string]string{}, attempts: map[string]map[int]bool{}}
	x.receiver = httptest.NewServer(x)
	t.Cleanup(x.receiver.Close)
	return x
}

// ServeHTTP is the receiver.
func (x *scheduling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	_, _ = io.Copy(io.Discard, r.Body)
	id, attempt := x.note(now, r.Header.Get)
	kind := r.URL.Path[1:]
	switch {
	case kind == refused, id == "":
		w.WriteHeader(http.StatusInternalServerError)
	case kind == busyOnce && attempt == 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// note remembers an attempt by its headers.
func (x *scheduling) note(now time.Time, header func(string) string) (id string, attempt int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	id = header(schedule.HeaderID)
	attempt, _ = strconv.Atoi(header(schedule.HeaderAttempt))
	if at, err := time.Parse(time.RFC3339Nano, header(schedule.HeaderFor)); err != nil || now.Before(at) {
		x.early = append(x.early, id)
	}
	if x.attempts[id] == nil {
		x.attempts[id] = map[int]bool{}
	}
	x.attempts[id][attempt] = true
	return id, attempt
}

// run makes schedules, one about every 20 ms, until ctx ends. One that is not acknowledged is asked for again, with the same key, until it is.
func (x *scheduling) run(ctx context.Context) {
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for ctx.Err() == nil {
		x.mu.Lock()
		n := x.next
		x.next++
		x.mu.Unlock()
		kind := []string{toQueue, taken, busyOnce, toQueue, taken, refused}[n%6]
		for !x.create(n, kind) {
			<-pace.C
		}
		<-pace.C
	}
}

func (x *scheduling) create(n int, kind string) bool {
	req := api.CreateSchedule{
		Key: fmt.Sprint("k/", n), At: time.Now().Add(time.Duration(20+n*37%1500) * time.Millisecond).Format(time.RFC3339Nano),
		Action: schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{URL: x.receiver.URL + "/" + kind}},
		Retry:  schedule.Retry{MaxAttempts: 2},
	}
	if kind == toQueue {
		req.Action = schedule.Action{Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "fired", Body: "message"}}
	}
	body, err := json.Marshal(req)
	if err != nil {
		x.s.t.Error(err)
		return true
	}
	var made api.Schedule
	status, text := x.s.request(context.Background(), http.MethodPost, api.PathSchedules, "application/json", body)
	if status != http.StatusOK || json.Unmarshal(text, &made) != nil {
		return false // also when it came too late for its time
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.made[made.ID] = kind
	return true
}

// receive takes all messages out of the queue, and counts them by schedule.
func (x *scheduling) receive(messages map[string]int) {
	x.s.t.Helper()
	for {
		var got api.Received
		x.s.post(api.PathQueues+"/fired/receive", `{"max":10}`, &got)
		if len(got.Messages) == 0 {
			return
		}
		var receipts api.Receipts
		for _, m := range got.Messages {
			id, _ := x.note(time.Now(), func(name string) string { return m.Attributes[name] })
			messages[id]++
			receipts.Receipts = append(receipts.Receipts, m.Receipt)
		}
		body, err := json.Marshal(receipts)
		if err != nil {
			x.s.t.Fatal(err)
		}
		var deleted api.Moved
		x.s.post(api.PathQueues+"/fired/delete", string(body), &deleted)
	}
}

// dead are the dead letters, by schedule.
func (x *scheduling) dead() map[string]int {
	x.s.t.Helper()
	all := map[string]int{}
	for next := ""; ; {
		var page api.ScheduleDeadLetters
		x.s.mustGet(api.PathGivenUp+"?limit=1000&next="+next, &page)
		for _, d := range page.DeadLetters {
			all[d.Schedule.ID] = d.Attempts
		}
		if next = page.Next; next == "" {
			return all
		}
	}
}

// left is how many of those that were acknowledged are not where they belong, and one of them.
func (x *scheduling) left(messages map[string]int) (n int, example string) {
	dead := x.dead()
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, kind := range x.made {
		done := x.attempts[id][1]
		switch kind {
		case toQueue:
			done = messages[id] > 0
		case busyOnce:
			done = done && x.attempts[id][2]
		case refused:
			done = dead[id] == 2
		}
		if !done {
			n, example = n+1, kind+" "+id
		}
	}
	return n, example
}

// TestKillSchedules kills the server at random moments while it makes and fires schedules. Each that was acknowledged fires, or is a dead letter;
// none is early; messages come once; requests that come twice have the numbers of attempts that there should be, and no others.
func TestKillSchedules(t *testing.T) {
	random := newRandom(t)
	s := newServer(t, map[string]string{"sundog.yaml": scheduleProject})
	x := newScheduling(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var feeding sync.WaitGroup
	for range 3 {
		feeding.Go(func() { x.run(ctx) })
	}
	const rounds = 5
	for range rounds {
		s.start()
		wait(milliseconds(random, 50, 800))
		s.kill()
	}
	s.start()
	cancel()
	feeding.Wait()
	messages := map[string]int{}
	left, example := 0, ""
	defer func() {
		if left > 0 {
			t.Logf("%d schedules have not come to their end, such as %s", left, example)
		}
	}()
	s.until(2*time.Minute, "each schedule has come to its end", func() bool {
		x.receive(messages)
		left, example = x.left(messages)
		return left == 0
	})
	s.stop()
	if len(x.early) > 0 {
		t.Errorf("%d came before their time, such as %s", len(x.early), x.early[0])
	}
	for id, n := range messages {
		if n != 1 {
			t.Errorf("the message of schedule %s came %d times", id, n)
		}
	}
	for id, attempts := range x.attempts {
		most := 1
		if kind := x.made[id]; kind == busyOnce || kind == refused {
			most = 2
		}
		if len(attempts) > most || x.made[id] == "" {
			t.Errorf("schedule %s, %s, has the attempts %v", id, x.made[id], attempts)
		}
	}
	t.Logf("%d schedules in %d lives", len(x.made), rounds+1)
}
