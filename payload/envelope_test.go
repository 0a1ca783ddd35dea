package payload_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sundog/payload"
)

func quote(s string) string {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(q)
}

// message is a queue message with that body.
func message(id, body string) string {
	return `{"messageId": "` + id + `", "receiptHandle": "r", "body": ` + quote(body) + `}`
}

func TestExtract(t *testing.T) {
	const p = `{"type": "FeatureCollection"}`
	notification := `{"Type": "Notification", "Message": ` + quote(p) + `}`
	for name, c := range map[string]struct{ event, payload, url, id string }{
		"bare":               {p, p, "", ""},
		"reference":          {`{"url": "s3://b/k?x#y"}`, "", "s3://b/k?x#y", ""},
		"SQS":                {`{"Records": [` + message("m", p) + `]}`, p, "", "m"},
		"SNS":                {`{"Records": [{"EventSource": "aws:sns", "Sns": ` + notification + `}]}`, p, "", ""},
		"SNS within SQS":     {`{"Records": [` + message("m", notification) + `]}`, p, "", "m"},
		"reference in SQS":   {`{"Records": [` + message("m", `{"url": "s3://b/k"}`) + `]}`, "", "s3://b/k", "m"},
		"notification alone": {notification, p, "", ""},
		"Batch":              {`{"JobId": "j", "Parameters": {"url": "s3://b/in", "url_out": "s3://b/out"}}`, "", "s3://b/out", ""},
		"payload in Records": {`{"Records": [` + p + `]}`, p, "", ""},
		"url comes first":    {`{"url": "s3://b/k", "Parameters": {"url_out": "s3://b/out"}}`, "", "s3://b/k", ""},
	} {
		t.Run(name, func(t *testing.T) {
			records := payload.Extract([]byte(c.event))
			if len(records) != 1 {
				t.Fatalf("%d records", len(records))
			}
			if r := records[0]; r.Err != nil || string(r.Payload) != c.payload || r.URL != c.url || r.MessageID != c.id {
				t.Errorf("payload %s, url %s, message %s, error %v", r.Payload, r.URL, r.MessageID, r.Err)
			}
		})
	}
}

func TestExtractKeepsRecordsApart(t *testing.T) {
	bad := []string{`not json`, `5`, `null`, `[]`, `"text"`, `{"url": null}`, `{"url": 5}`, `{"url": ""}`, `{"Message": {}}`, `{"Message": "x"}`, `{"Parameters": null}`, `{"Parameters": {"url_out": 1}}`, ``}
	var entries []string
	for i, body := range bad {
		entries = append(entries, message(fmt.Sprintf("bad%d", i), body), message(fmt.Sprintf("good%d", i), `{"n": 1}`))
	}
	entries = append(entries, `5`, `{"body": 5}`, `{"Sns": []}`)
	records := payload.Extract([]byte(`{"Records": [` + strings.Join(entries, ", ") + `]}`))
	if len(records) != len(entries) {
		t.Fatalf("%d records of %d", len(records), len(entries))
	}
	for i, r := range records {
		good := i < 2*len(bad) && i%2 == 1
		if (r.Err == nil) != good {
			t.Errorf("%s: error %v", entries[i], r.Err)
		}
		if (r.MessageID != "") != (i < 2*len(bad)) || string(r.Raw) != entries[i] {
			t.Errorf("message %q, raw %s", r.MessageID, r.Raw)
		}
	}
	for _, event := range []string{``, `{`, `{"Records": "ab"}`, `{"Records": null}`, `[]`, `7`} {
		if records := payload.Extract([]byte(event)); len(records) != 1 || records[0].Err == nil {
			t.Errorf("event %s gives %v", event, records)
		}
	}
	if records := payload.Extract([]byte(`{"Records": []}`)); len(records) != 0 {
		t.Errorf("an empty event gives %v", records)
	}
}

type fetcher map[string]string

var errAway = errors.New("the bucket is away")

func (f fetcher) Fetch(_ context.Context, url string) ([]byte, error) {
	if url == "s3://away/x" {
		return nil, errAway
	}
	document, ok := f[url]
	if !ok {
		return nil, fmt.Errorf("%w: nothing at %s", payload.ErrUnresolvable, url)
	}
	return []byte(document), nil
}

func TestResolve(t *testing.T) {
	objects := fetcher{"s3://b/ok": `{"a": 1}`, "s3://b/list": `[]`, "s3://b/bad": `{`}
	for name, c := range map[string]struct {
		record payload.Record
		want   string
		cause  error
	}{
		"payload":    {payload.Record{Payload: json.RawMessage(`{"b": 2}`)}, `{"b": 2}`, nil},
		"reference":  {payload.Record{URL: "s3://b/ok"}, `{"a": 1}`, nil},
		"missing":    {payload.Record{URL: "s3://b/none"}, "", payload.ErrUnresolvable},
		"not JSON":   {payload.Record{URL: "s3://b/bad"}, "", payload.ErrUnresolvable},
		"no object":  {payload.Record{URL: "s3://b/list"}, "", payload.ErrUnresolvable},
		"unreadable": {payload.Record{Err: errAway}, "", payload.ErrUnresolvable},
		"may pass":   {payload.Record{URL: "s3://away/x"}, "", errAway},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.record.Resolve(t.Context(), objects)
			if string(got) != c.want || !errors.Is(err, c.cause) {
				t.Errorf("%s, %v; want %s, %v", got, err, c.want, c.cause)
			}
			if name == "may pass" && errors.Is(err, payload.ErrUnresolvable) {
				t.Error("an error that may pass is called permanent")
			}
		})
	}
}

func FuzzExtract(f *testing.F) {
	for _, seed := range []string{`{"Records": [` + message("m", `{"url": "s3://b/k"}`) + `]}`, `{"Sns": {"Message": "{}"}}`, `{"Parameters": {"url_out": "x"}}`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		for _, r := range payload.Extract(event) {
			set := 0
			for _, is := range []bool{r.Err != nil, r.URL != "", r.Payload != nil} {
				if is {
					set++
				}
			}
			if set != 1 || r.Payload != nil && !json.Valid(r.Payload) {
				t.Fatalf("record %+v", r)
			}
		}
	})
}

func BenchmarkExtract(b *testing.B) {
	body := string(large())
	entries := make([]string, 10)
	for i := range entries {
		entries[i] = message(fmt.Sprint(i), body)
	}
	event := []byte(`{"Records": [` + strings.Join(entries, ",") + `]}`)
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		if len(payload.Extract(event)) != len(entries) {
			b.Fatal("records are missing")
		}
	}
}
