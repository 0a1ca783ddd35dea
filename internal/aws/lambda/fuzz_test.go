package lambda_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"sundog/internal/aws/lambda"
)

// FuzzEvents looks for events that make a handler panic, and for answers that say of a message that it was done which nobody was shown.
func FuzzEvents(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("there are no event documents", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"Records":[{"eventSource":"aws:sqs","body":"retry","messageId":"a"},{"eventSource":"aws:sqs","body":"dead"}]}`))
	f.Add([]byte(`{"version":"2.0","rawPath":"//","requestContext":{"http":{"method":"GET"},"stage":"/"}}`))
	f.Add([]byte(`{"path":"/","httpMethod":"GET","multiValueQueryStringParameters":{"a":null}}`))
	quiet := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, event []byte) {
		for _, b := range []lambda.Batches{{Partial: true}, {Queue: (&queues{}).queue}} {
			v := &verdicts{}
			answer, err := lambda.UpdateState(v, b)(t.Context(), event)
			var failed struct {
				BatchItemFailures []struct{ ItemIdentifier string }
			}
			if err == nil && answer != nil {
				if err := json.Unmarshal(answer, &failed); err != nil || len(failed.BatchItemFailures) > len(v.got) {
					t.Fatalf("%q is answered with %q for %d messages", event, answer, len(v.got))
				}
			}
			if err == nil && len(v.got) == 0 {
				t.Fatalf("%q is acknowledged, and nobody was shown anything of it", event)
			}
			_, _ = lambda.Process(&verdicts{}, b)(t.Context(), event)
			_, _ = lambda.Dispatch(&schedules{}, b)(t.Context(), event)
		}
		_, _ = lambda.API(echo{}, "base", quiet)(t.Context(), event)
		_, _ = lambda.Act(&schedules{}, "http-request")(t.Context(), event)
		_, _ = lambda.Enqueue(&schedules{})(t.Context(), event)
	})
}
