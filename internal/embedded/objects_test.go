package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/bucket"
	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/project"
)

// A map run reads items from the data bucket and from the payload bucket, and writes results to the latter.
func TestMapRunsUseTheBuckets(t *testing.T) {
	p, err := embedded.Open(t.Context(), project.Default(t.TempDir(), "maps"), embedded.Options{Data: t.TempDir(), Store: store.Options{FS: vfs.NewMem()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Engine.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, p.Close(context.WithoutCancel(ctx))); err != nil {
			t.Error(err)
		}
	}()
	const definition = `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,
		"ItemReader":{"Resource":"arn:aws:states:::s3:RESOURCE","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"},
			"Parameters":{"Bucket.$":"$.bucket","Key.$":"$.key","Prefix.$":"$.key"}},
		"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket.$":"$.to","Prefix":"out"},"WriterConfig":{"Transformation":"COMPACT"}},
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}}}}`
	for name, resource := range map[string]string{"rows": "getObject", "list": "listObjectsV2"} {
		if err := p.Engine.Register(t.Context(), name, "STANDARD", []byte(strings.Replace(definition, "RESOURCE", resource, 1))); err != nil {
			t.Fatal(err)
		}
	}
	body := []byte("a,b\n1,2\n")
	if _, err := p.Catalog.Put(t.Context(), "rows.csv", body, bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Payloads.Put(t.Context(), "rows.csv", body, bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ machine, input, want, err string }{
		{machine: "rows", input: `{"bucket":"data","key":"rows.csv","to":"payloads"}`, want: `[{"a":"1","b":"2"}]`},
		{machine: "rows", input: `{"bucket":"payloads","key":"rows.csv","to":"payloads"}`, want: `[{"a":"1","b":"2"}]`},
		{machine: "list", input: `{"bucket":"data","key":"rows","to":"payloads"}`, want: `"Key":"rows.csv"`},
		{machine: "rows", input: `{"bucket":"none","key":"rows.csv","to":"payloads"}`, err: "States.ItemReaderFailed: The specified bucket does not exist"},
		{machine: "rows", input: `{"bucket":"data","key":"none","to":"payloads"}`, err: "States.ItemReaderFailed: The specified key does not exist."},
		{machine: "rows", input: `{"bucket":"data","key":"rows.csv","to":"none"}`, err: "States.ResultWriterFailed: The specified bucket does not exist"},
	} {
		d, err := p.Engine.Start(t.Context(), engine.StartRequest{Machine: c.machine, Name: fmt.Sprint("x", i), Input: []byte(c.input)})
		if err != nil {
			t.Fatal(err)
		}
		d, _, output, err := p.Engine.Wait(t.Context(), d.ARN)
		if err != nil {
			t.Fatal(err)
		}
		if c.err != "" {
			if got := d.Error + ": " + d.Cause; got != c.err {
				t.Errorf("%s: %s, want %s", c.input, got, c.err)
			}
			continue
		}
		var result struct{ ResultWriterDetails struct{ Bucket, Key string } }
		if err := json.Unmarshal(output, &result); err != nil || d.Status != asl.Succeeded || result.ResultWriterDetails.Bucket != "payloads" {
			t.Fatalf("%s: %+v %s %v", c.input, d, output, err)
		}
		key := strings.Replace(result.ResultWriterDetails.Key, "manifest", "SUCCEEDED_0", 1)
		got, _, err := p.Payloads.Get(t.Context(), key)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %s holds %s, want %s; %v", c.input, key, got, c.want, err)
		}
	}
}
