package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sundog/internal/api"
	"sundog/internal/cli"
	"sundog/internal/client"
	"sundog/internal/embedded"
	"sundog/internal/event"
	"sundog/internal/problem"
	"sundog/internal/project"
	"sundog/internal/server"
	"sundog/internal/statedb"
	"sundog/payload"
)

// What is measured, beside what the flags say.
const (
	benchItemBytes   = 4 << 10 // of the item in each payload
	latencyRate      = 100     // payloads per second
	latencyPayloads  = 1500
	claimWriters     = 64
	claims           = 60_000
	recordsForMemory = 100_000
	openForMemory    = 10_000
	submitGroup      = 50 // payloads of one request
)

// benchWorkflows are three tasks that do nothing, and one that waits.
var benchWorkflows = map[string]string{
	"three": `{"StartAt":"One","States":{
		"One":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload","Next":"Two"},
		"Two":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload","Next":"Three"},
		"Three":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload","End":true}}}`,
	"wait": `{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":86400,"End":true}}}`,
}

// measurement is one line of the result.
type measurement struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Aim      string  `json:"aim,omitempty"`
	Measured string  `json:"measured"` // how

	Histogram []class `json:"histogram,omitempty"`
}

// bench measures one platform.
type bench struct {
	opts     cli.BenchOptions
	client   *client.Client
	platform *embedded.Platform
	results  measurements
}

// runBench measures a platform from end to end: a server process of its own, payloads over HTTP, every write synced.
func runBench(ctx context.Context, opts cli.BenchOptions) error {
	dir := opts.Data
	if dir == "" {
		temp, err := os.MkdirTemp("", "sundog-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temp) }()
		dir = temp
	}
	p := project.Default(dir, "bench")
	for _, name := range []string{"three", "wait"} {
		p.Workflows = append(p.Workflows, project.Workflow{Name: name, Definition: []byte(benchWorkflows[name])})
	}
	p.Functions = []project.Function{{Name: "echo", Kind: project.Builtin, Builtin: "echo", Timeout: time.Minute, Concurrency: 1000}}
	p.Lanes = []project.Lane{{Name: "live", Concurrency: 1000}, {Name: "bulk", Concurrency: 2 * openForMemory}}
	ctx, done := context.WithCancelCause(ctx)
	defer done(nil)
	err := host(ctx, p, filepath.Join(dir, "data"), server.Options{Listen: "127.0.0.1:0", Version: version(), Logger: newLogger(opts.Err, true)},
		func(ctx context.Context, s *server.Server, platform *embedded.Platform) error {
			c, err := client.New(s.URL(), "")
			if err != nil {
				return err
			}
			b := &bench{opts: opts, client: c, platform: platform}
			if err := b.run(ctx); err != nil {
				return err
			}
			done(errBenchDone)
			return nil
		})
	if errors.Is(context.Cause(ctx), errBenchDone) && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}

var errBenchDone = errors.New("the benchmark is over")

func (b *bench) run(ctx context.Context) error {
	for _, step := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"throughput", b.throughput},
		{"latency", b.latency},
		{"claims", b.claims},
		{"memory with records", b.memoryWithRecords},
		{"memory with open executions", b.memoryWithOpen},
	} {
		if !b.opts.Quiet {
			fmt.Fprintf(b.opts.Err, "Measuring %s …\n", step.what)
		}
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("measuring %s: %w", step.what, err)
		}
	}
	return b.print()
}

func (b *bench) report(name string, value float64, unit, aim, how string, args ...any) {
	b.results.add(name, value, unit, aim, how, args...)
}

// benchPayload is a payload with one item of about benchItemBytes. The id needs no escaping.
func benchPayload(workflow, id string) string {
	return `{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":"` + id + benchItem + workflow + `"}]}`
}

// benchItem is what the items have in common.
var benchItem = `","collection":"bench","geometry":null,"bbox":[7,45,8,46],"properties":{"datetime":"2024-05-01T00:00:00Z","eo:cloud_cover":12.5,"note":"` +
	strings.Repeat("x", benchItemBytes-300) + `"},"links":[],"assets":{}}],"process":[{"workflow":"`

// submit sends payloads from first to last, in groups, by several writers.
func (b *bench) submit(ctx context.Context, workflow, lane string, first, last int) error {
	var next atomic.Int64
	next.Store(int64(first))
	errs := make([]error, b.opts.Writers)
	var wg sync.WaitGroup
	for w := range b.opts.Writers {
		wg.Go(func() {
			for errs[w] == nil {
				from := int(next.Add(submitGroup)) - submitGroup
				if from >= last {
					return
				}
				var body bytes.Buffer
				for i := from; i < min(from+submitGroup, last); i++ {
					body.WriteString(benchPayload(workflow, strconv.Itoa(i)))
					body.WriteByte('\n')
				}
				errs[w] = b.client.Submit(ctx, &body, lane, refused)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func refused(a api.Accepted) error {
	if a.Error != "" {
		return problem.New(problem.Internal, "payload refused: %s", a.Error)
	}
	return nil
}

// wait waits until so many records of a workflow are in a state.
func (b *bench) wait(ctx context.Context, workflow string, state statedb.State, n int) error {
	partition := payload.PartitionKey("bench", workflow)
	for {
		counts, err := b.platform.Records.Counts(ctx, partition)
		if err != nil {
			return err
		}
		for _, c := range counts {
			if c.State == state && c.Records >= int64(n) {
				return nil
			}
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (b *bench) throughput(ctx context.Context) error {
	const warmUp = 1000
	if err := b.submit(ctx, "three", "live", -warmUp, 0); err != nil {
		return err
	}
	if err := b.wait(ctx, "three", statedb.Succeeded, warmUp); err != nil {
		return err
	}
	n := b.opts.Payloads
	before := b.platform.Store.Statistics()
	began := time.Now()
	if err := b.submit(ctx, "three", "live", 0, n); err != nil {
		return err
	}
	if err := b.wait(ctx, "three", statedb.Succeeded, warmUp+n); err != nil {
		return err
	}
	took := time.Since(began)
	after := b.platform.Store.Statistics()
	b.report("payloads", float64(n)/took.Seconds(), "/s", "4,000", "%d payloads of %d bytes from POST to SUCCEEDED, three built-in tasks, %d clients; %.1f transactions a payload, %.1f a sync",
		n, len(benchPayload("three", "0")), b.opts.Writers,
		float64(after.Commits-before.Commits)/float64(n), float64(after.Commits-before.Commits)/float64(after.Groups-before.Groups))
	return nil
}

// latency submits payloads one by one at a steady rate and notes when their SUCCEEDED events come.
func (b *bench) latency(ctx context.Context) error {
	listener := b.platform.Topics.Listen(ctx, embedded.EventTopic, 10*latencyPayloads)
	sent := make([]time.Time, latencyPayloads)
	var mu sync.Mutex
	var wg sync.WaitGroup
	failed := make(chan error, latencyPayloads)
	tick := time.NewTicker(time.Second / latencyRate)
	defer tick.Stop()
	wg.Go(func() {
		for i := range latencyPayloads {
			<-tick.C
			wg.Go(func() {
				mu.Lock()
				sent[i] = time.Now()
				mu.Unlock()
				body := strings.NewReader(benchPayload("three", "latency-"+strconv.Itoa(i)) + "\n")
				if err := b.client.Submit(ctx, body, "live", refused); err != nil {
					failed <- err
				}
			})
		}
	})
	var took []time.Duration
	for len(took) < latencyPayloads {
		select {
		case m, ok := <-listener.C():
			if !ok {
				return errors.New("the listener was dropped")
			}
			now := time.Now()
			var e struct {
				Type string `json:"event_type"`
				ID   string `json:"payload_id"`
			}
			if err := json.Unmarshal(m.Body, &e); err != nil {
				return err
			}
			_, number, ok := strings.Cut(e.ID, "/latency-")
			if !ok || e.Type != string(event.Succeeded) {
				continue
			}
			i, err := strconv.Atoi(number)
			if err != nil {
				return err
			}
			mu.Lock()
			took = append(took, now.Sub(sent[i]))
			mu.Unlock()
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	wg.Wait()
	slices.Sort(took)
	for _, p := range []struct {
		percent int
		aim     string
	}{{50, ""}, {99, "20"}} {
		at := took[len(took)*p.percent/100]
		b.report(fmt.Sprintf("latency p%d", p.percent), float64(at.Microseconds())/1000, "ms", p.aim, "%d payloads at %d/s, from before the POST to the SUCCEEDED event", latencyPayloads, latencyRate)
	}
	return nil
}

func (b *bench) claims(ctx context.Context) error {
	var next atomic.Int64
	errs := make([]error, claimWriters)
	var wg sync.WaitGroup
	began := time.Now()
	for w := range claimWriters {
		wg.Go(func() {
			for errs[w] == nil {
				i := next.Add(1)
				if i > claims {
					return
				}
				id := payload.ID{Collections: "bench", Workflow: "claims", ItemIDs: "item-" + strconv.FormatInt(i*2654435761%claims, 10) + "-" + strconv.FormatInt(i, 10)}
				arn := payload.ExecutionARN(b.platform.Engine.MachineARN(""), "claims", payload.ExecutionName(id.String(), nil))
				_, errs[w] = b.platform.Records.Apply(ctx, statedb.Claim(id, arn, time.Now()), statedb.Effects{})
			}
		})
	}
	wg.Wait()
	b.report("claims", claims/time.Since(began).Seconds(), "/s", "15,000", "%d conditional writes of new records by %d writers", claims, claimWriters)
	return errors.Join(errs...)
}

func (b *bench) memoryWithRecords(ctx context.Context) error {
	totals, err := b.platform.Totals(ctx)
	if err != nil {
		return err
	}
	const first = 1_000_000
	missing := recordsForMemory - int(totals.Records)
	if missing > 0 {
		counts, err := b.platform.Records.Counts(ctx, payload.PartitionKey("bench", "three"))
		if err != nil {
			return err
		}
		ended := 0
		for _, c := range counts {
			if c.State == statedb.Succeeded {
				ended = int(c.Records)
			}
		}
		if err := b.submit(ctx, "three", "live", first, first+missing); err != nil {
			return err
		}
		if err := b.wait(ctx, "three", statedb.Succeeded, ended+missing); err != nil {
			return err
		}
	}
	return b.memory("100,000 records")
}

func (b *bench) memoryWithOpen(ctx context.Context) error {
	if err := b.submit(ctx, "wait", "bulk", 0, openForMemory); err != nil {
		return err
	}
	if err := b.wait(ctx, "wait", statedb.Processing, openForMemory); err != nil {
		return err
	}
	return b.memory("10,000 open executions on top")
}

// memory reports what the process holds, server and clients together, just after the work.
func (b *bench) memory(with string) error {
	peak, now, err := residentBytes("self")
	if err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.report("memory, "+with, float64(now)/(1<<20), "MB", "300", "resident set of server and clients right after; peak so far %d MB, Go heap in use %d MB", peak>>20, m.HeapInuse>>20)
	return nil
}

// residentBytes reads the resident set of a process from /proc; that of this one is self.
func residentBytes(process string) (peak, now int64, err error) {
	text, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmHWM:":
			peak = n << 10
		case "VmRSS:":
			now = n << 10
		}
	}
	return peak, now, nil
}

func (b *bench) print() error {
	mode := "every commit waits for fsync"
	if !b.platform.Store.Synced() {
		mode = "no fsync"
	}
	return b.results.print(b.opts.Out, b.opts.JSON, mode)
}

// measurements are a result.
type measurements []measurement

func (m *measurements) add(name string, value float64, unit, aim, how string, args ...any) {
	*m = append(*m, measurement{Name: name, Value: value, Unit: unit, Aim: aim, Measured: fmt.Sprintf(how, args...)})
}

// print prints them as a table, or as one JSON document, with what they were measured on.
func (m measurements) print(w io.Writer, asJSON bool, mode string) error {
	about := fmt.Sprintf("%s; %d processors, %s %s/%s", mode, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			About   string       `json:"about"`
			Results measurements `json:"results"`
		}{about, m})
	}
	rows := make([][]string, 0, len(m))
	for _, r := range m {
		rows = append(rows, []string{r.Name, r.Unit, r.Aim, fmt.Sprintf("%.1f", r.Value)})
	}
	if _, err := fmt.Fprintln(w, about); err != nil {
		return err
	}
	if err := printTable(w, []string{"WHAT", "UNIT", "AIM", "MEASURED"}, rows); err != nil {
		return err
	}
	for _, r := range m {
		if _, err := fmt.Fprintf(w, "%s: %s\n", r.Name, r.Measured); err != nil {
			return err
		}
		if err := printHistogram(w, r.Histogram); err != nil {
			return err
		}
	}
	return nil
}
