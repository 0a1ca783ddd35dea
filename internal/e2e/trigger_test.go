package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sundog/internal/api"
)

// triggerFiles are a project in which each new task starts a workflow that counts its attempts in the table, which a function then writes down.
func triggerFiles() map[string]string {
	return map[string]string{
		"sundog.yaml": `
name: triggers
workflows:
  finish: { definition: finish.asl.json }
functions:
  note: { type: command, command: [sh, note.sh] }
tables:
  tasks: { partition_key: PK, stream: true }
triggers:
  begin:
    source: { table: tasks }
    filter: { eventName: [INSERT] }
    input: { Keys: <$.dynamodb.Keys> }
    target: { workflow: finish }
  note:
    source: { table: tasks }
    filter: { eventName: [MODIFY] }
    input: <$.dynamodb.Keys.PK.S>
    target: { function: note }
`,
		"finish.asl.json": `{"StartAt":"Finish","States":{"Finish":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:updateItem","End":true,"Parameters":{
			"TableName":"tasks","Key.$":"$.Keys","UpdateExpression":"ADD attempts :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}}}`,
		"note.sh": `printf '%s\n' "$(cat)" >> noted; echo null`,
	}
}

// dynamodb makes a request of the tables, and reports whether it was answered with success or, a second time, with the failure of its condition.
func (s *server) dynamodb(ctx context.Context, operation, body string) (text []byte, ok bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/", strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return nil, false
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=sundog/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		return nil, false
	}
	return b.Bytes(), resp.StatusCode == http.StatusOK || strings.Contains(b.String(), "ConditionalCheckFailedException")
}

// TestKillTriggers kills the server again and again while tasks are written. Each task that was acknowledged has had its workflow exactly once, and its
// function at least once.
func TestKillTriggers(t *testing.T) {
	const rounds, writers = 5, 4
	random := newRandom(t)
	s := newServer(t, triggerFiles())
	var mu sync.Mutex
	var written []string
	for round := range rounds {
		s.start()
		ctx, cancel := context.WithCancel(t.Context())
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					id := fmt.Sprintf("TASK#%d-%d-%d", round, w, n)
					_, ok := s.dynamodb(ctx, "PutItem", fmt.Sprintf(`{"TableName":"tasks","Item":{"PK":{"S":%q}},"ConditionExpression":"attribute_not_exists(PK)"}`, id))
					if !ok {
						return // the server is gone
					}
					mu.Lock()
					written = append(written, id)
					mu.Unlock()
				}
			})
		}
		wait(milliseconds(random, 20, 300))
		s.kill()
		cancel()
		writing.Wait()
	}
	s.start()
	s.until(2*time.Minute, "the triggers have nothing left to do", func() bool {
		var h api.Health
		// In this order: what begins no more, then what runs no more, then what is told no more.
		return s.caughtUp() && s.get(api.PathHealth, &h) && h.Open == 0 && s.caughtUp()
	})
	s.check(written)
	s.stop()
}

// caughtUp reports whether no trigger has an event before it.
func (s *server) caughtUp() bool {
	var all api.Triggers
	if !s.get(api.PathTriggers, &all) {
		return false
	}
	for _, t := range all.Triggers {
		if t.Lag.Events > 0 || t.Waiting > 0 {
			return false
		}
	}
	return true
}

// check looks at what has become of tasks.
func (s *server) check(written []string) {
	s.t.Helper()
	if len(written) == 0 {
		s.t.Fatal("no task was acknowledged")
	}
	s.t.Logf("%d tasks were acknowledged", len(written))
	text, err := os.ReadFile(filepath.Join(s.dir, "noted"))
	if err != nil {
		s.t.Fatal(err)
	}
	noted := string(text)
	for _, id := range written {
		answer, ok := s.dynamodb(s.t.Context(), "GetItem", fmt.Sprintf(`{"TableName":"tasks","Key":{"PK":{"S":%q}}}`, id))
		var got struct {
			Item struct{ Attempts struct{ N string } }
		}
		if err := json.Unmarshal(answer, &got); !ok || err != nil || got.Item.Attempts.N != "1" {
			s.t.Errorf("%s has %s, want one attempt", id, answer)
		}
		if !strings.Contains(noted, `"`+id+`"`) {
			s.t.Errorf("the function was not called with %s", id)
		}
	}
}
