package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"sundog/internal/api"
)

const (
	feeders     = 4
	perRequest  = 6  // payloads, the last of which fails
	perFeeder   = 10 // requests of one feeder in one round
	loadProject = `
name: load
workflows:
  first: { definition: first.asl.json }
  second: { definition: second.asl.json }
  broken: { definition: broken.asl.json }
functions:
  echo: { type: builtin, builtin: echo, concurrency: 64 }
  publish: { type: builtin, builtin: publish, concurrency: 16 }
subscriptions:
  - { name: items, topic: publish, file: published.ndjson }
  - { name: events, topic: workflow-event, file: events.ndjson }
lanes: { live: { concurrency: 400 }, bulk: { concurrency: 200 } }
process: { visibility_timeout: 30s, max_receives: 1000 }
catalog: { id: load }
`
	// Each workflow leaves its mark in the Item, so that its publications can be told from those of the other.
	firstWorkflow = `{"StartAt":"One","States":{
		"One":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","Next":"Mark"},
		"Mark":{"Type":"Pass","Result":"first","ResultPath":"$.features[0].properties.step","Next":"Two"},
		"Two":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload","Next":"Publish"},
		"Publish":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:publish","End":true,
			"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":1,"MaxAttempts":5}]}}}`
	secondWorkflow = `{"StartAt":"Wait","States":{
		"Wait":{"Type":"Wait","Seconds":1,"Next":"Mark"},
		"Mark":{"Type":"Pass","Result":"second","ResultPath":"$.features[0].properties.step","Next":"One"},
		"One":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","End":true}}}`
	// It ends with its start, so that its record has often failed when the message comes again: that must not run it once more.
	brokenWorkflow = `{"StartAt":"Fail","States":{"Fail":{"Type":"Fail","Error":"Broken","Cause":"it cannot work"}}}`
)

func loadFiles() map[string]string {
	return map[string]string{
		"sundog.yaml": loadProject, "first.asl.json": firstWorkflow, "second.asl.json": secondWorkflow, "broken.asl.json": brokenWorkflow,
	}
}

// load sends payloads and remembers which were acknowledged.
type load struct {
	s *server

	mu           sync.Mutex
	next         int
	acknowledged []string // ids of Items
}

// run feeds until ctx ends or each feeder has sent its share. When it returns, nothing is being sent any more.
func (l *load) run(ctx context.Context) {
	var feeding sync.WaitGroup
	for range feeders {
		feeding.Go(func() {
			for i := 0; i < perFeeder && ctx.Err() == nil; i++ {
				l.send(ctx)
			}
		})
	}
	feeding.Wait()
}

// send sends the next payloads, once. What is not acknowledged is not sent again: it is in or it is not.
func (l *load) send(ctx context.Context) {
	l.mu.Lock()
	first := l.next
	l.next += perRequest
	l.mu.Unlock()
	var body bytes.Buffer
	ids := make([]string, perRequest)
	for i := range ids {
		process := `{"workflow":"first"},{"workflow":"second"}`
		ids[i] = fmt.Sprintf("item-%06d", first+i)
		if i == perRequest-1 {
			process = `{"workflow":"broken"}`
			ids[i] = fmt.Sprintf("broken-%06d", first+i)
		}
		fmt.Fprintf(&body, `{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":%q,"collection":"load",`+
			`"geometry":null,"properties":{"datetime":"2024-05-%02dT00:00:00Z"},"links":[],"assets":{}}],`+
			`"process":[%s]}`+"\n", ids[i], 1+(first+i)%28, process)
	}
	lane := "live"
	if first/perRequest%2 == 1 {
		lane = "bulk"
	}
	// An answer that is cut off acknowledges what it has said so far.
	_, answers := l.s.request(ctx, http.MethodPost, api.PathPayloads+"?lane="+lane, api.ContentTypeNDJSON, body.Bytes())
	for line := range bytes.Lines(answers) {
		var a api.Accepted
		if json.Unmarshal(line, &a) != nil || !bytes.HasSuffix(line, []byte("\n")) {
			return
		}
		if a.Error != "" || a.Line < 1 || a.Line > len(ids) {
			l.s.t.Errorf("payload refused: %s", line)
			return
		}
		l.mu.Lock()
		l.acknowledged = append(l.acknowledged, ids[a.Line-1])
		l.mu.Unlock()
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}
