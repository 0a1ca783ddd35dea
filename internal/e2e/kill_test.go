package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"sundog/internal/api"
)

const killProject = `
name: kill
workflows:
  first: { definition: first.asl.json }
  second: { definition: second.asl.json }
functions:
  echo: { type: builtin, builtin: echo, concurrency: 64 }
  publish: { type: builtin, builtin: publish, concurrency: 16 }
subscriptions:
  - { name: items, topic: publish, file: published.ndjson }
  - { name: events, topic: workflow-event, file: events.ndjson }
lanes: { live: { concurrency: 200 }, bulk: { concurrency: 100 } }
process: { visibility_timeout: 30s, max_receives: 100000 }
catalog: { id: kill }
`

const firstWorkflow = `{"StartAt":"One","States":{
	"One":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","Next":"Two"},
	"Two":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload","Next":"Publish"},
	"Publish":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:publish","End":true,
		"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":1,"MaxAttempts":5}]}}}`

const secondWorkflow = `{"StartAt":"Wait","States":{
	"Wait":{"Type":"Wait","Seconds":1,"Next":"One"},
	"One":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","End":true}}}`

// TestKill kills the server at random moments under load, again and again, and then looks whether anything was lost or done twice.
// SUNDOG_KILL_ROUNDS sets the number of rounds, SUNDOG_SEED the moments.
func TestKill(t *testing.T) {
	rounds := 10
	if text := os.Getenv("SUNDOG_KILL_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("SUNDOG_KILL_ROUNDS: %v", err)
		}
		rounds = n
	}
	random := newRandom(t)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"sundog.yaml": killProject, "first.asl.json": firstWorkflow, "second.asl.json": secondWorkflow})
	s := newServer(t, dir, filepath.Join(dir, "data"))
	l := newLoad(s)
	for round := range rounds {
		s.start()
		ctx, cancel := context.WithCancel(t.Context())
		var feeding sync.WaitGroup
		for range 4 {
			feeding.Go(func() { l.feed(ctx) })
		}
		alive := time.Duration(20+random.IntN(400)) * time.Millisecond
		<-time.After(alive)
		s.kill()
		cancel()
		feeding.Wait()
		if round%20 == 19 {
			t.Logf("round %d: %d payloads acknowledged", round+1, len(l.acknowledged))
		}
	}
	s.start()
	s.drain()
	if len(l.acknowledged) == 0 {
		t.Fatal("no payload was acknowledged")
	}
	t.Logf("%d rounds, %d payloads acknowledged", rounds, len(l.acknowledged))
	l.check()
	s.stop()
}

// load feeds payloads and remembers which were acknowledged.
type load struct {
	s            *server
	mu           sync.Mutex
	next         int
	acknowledged []string // item ids
}

func newLoad(s *server) *load { return &load{s: s} }

func (l *load) feed(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		first := l.next
		l.next += 5
		l.mu.Unlock()
		var body bytes.Buffer
		var ids []string
		for i := range 5 {
			id := fmt.Sprintf("item-%06d", first+i)
			ids = append(ids, id)
			fmt.Fprintf(&body, `{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":%q,"collection":"kill","geometry":null,"properties":{"datetime":"2024-05-%02dT00:00:00Z"},"links":[],"assets":{}}],"process":[{"workflow":"first"},{"workflow":"second"}]}`+"\n", id, 1+(first+i)%28)
		}
		l.send(ctx, &body, ids)
	}
}

func (l *load) send(ctx context.Context, body *bytes.Buffer, ids []string) {
	lane := "live"
	if len(ids[0])%2 == 0 {
		lane = "bulk"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.s.url+api.PathPayloads+"?lane="+lane, body)
	if err != nil {
		l.s.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", api.ContentTypeNDJSON)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return // killed
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		var a api.Accepted
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return // cut off
		}
		if a.Error != "" {
			l.s.t.Errorf("payload refused: %s", a.Error)
			continue
		}
		l.mu.Lock()
		l.acknowledged = append(l.acknowledged, ids[a.Line-1])
		l.mu.Unlock()
	}
}

// check looks at every acknowledged payload: both workflows succeeded, once, with output and publication.
func (l *load) check() {
	t := l.s.t
	t.Helper()
	published := l.published()
	for _, id := range l.acknowledged {
		for _, workflow := range []string{"first", "second"} {
			var r api.Record
			payloadID := "kill/workflow-" + workflow + "/" + id
			if !l.s.get(api.PathPayloads+"/"+payloadID, &r) {
				t.Errorf("%s: no record", payloadID)
				continue
			}
			if r.State != "SUCCEEDED" || len(r.Executions) != 1 {
				t.Errorf("%s: %s after %d executions: %s", payloadID, r.State, len(r.Executions), r.LastError)
				continue
			}
			l.checkExecution(payloadID, r.Executions[0])
			var output struct{ Features []json.RawMessage }
			if !l.s.get(api.PathPayloads+"/"+payloadID+"?doc=output", &output) || len(output.Features) != 1 {
				t.Errorf("%s: no output", payloadID)
			}
		}
		if published[id] == 0 {
			t.Errorf("%s was never published", id)
		}
	}
	var queues api.Queues
	l.s.get(api.PathQueues, &queues)
	for _, q := range queues.Queues {
		if q.DeadLetters != 0 {
			t.Errorf("queue %s has %d dead letters", q.Name, q.DeadLetters)
		}
	}
}

// checkExecution looks whether an execution ran once: its history begins once, ends once, and is numbered without a gap.
func (l *load) checkExecution(payloadID, arn string) {
	var h api.History
	if !l.s.get(api.PathExecutions+"/"+arn+"/history?limit=1000", &h) {
		l.s.t.Errorf("%s: no history of %s", payloadID, arn)
		return
	}
	counts := map[string]int{}
	for i, raw := range h.Events {
		var ev struct {
			ID   int64
			Type string
		}
		if err := json.Unmarshal(raw, &ev); err != nil || ev.ID != int64(i+1) {
			l.s.t.Errorf("%s: event %d of %s has the number %d", payloadID, i+1, arn, ev.ID)
		}
		counts[ev.Type]++
	}
	if counts["ExecutionStarted"] != 1 || counts["ExecutionSucceeded"] != 1 {
		l.s.t.Errorf("%s: %s began %d times and succeeded %d times", payloadID, arn, counts["ExecutionStarted"], counts["ExecutionSucceeded"])
	}
}

// published counts the lines of each item in the file of the publish topic's subscription.
func (l *load) published() map[string]int {
	file, err := os.Open(filepath.Join(l.s.dir, "published.ndjson"))
	if err != nil {
		l.s.t.Fatal(err)
	}
	defer file.Close()
	counts := map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var item struct {
			Message struct{ ID string }
		}
		if err := json.Unmarshal(lines.Bytes(), &item); err != nil {
			l.s.t.Errorf("published.ndjson: %v: %s", err, lines.Text())
			continue
		}
		counts[item.Message.ID]++
	}
	return counts
}

// newRandom makes the moments of a test repeatable: it prints its seed and takes SUNDOG_SEED.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SUNDOG_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SUNDOG_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("SUNDOG_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
