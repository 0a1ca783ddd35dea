package e2e

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"sundog/internal/api"
)

// check looks at everything that the server keeps of the load: that every acknowledged payload is there, and that every payload
// that is there, acknowledged or not, went its way once and whole.
func (l *load) check() {
	t := l.s.t
	t.Helper()
	first, second, broken := l.records("first"), l.records("second"), l.records("broken")
	for _, id := range l.acknowledged {
		if first[id] == nil && broken[id] == nil {
			t.Errorf("%s was acknowledged and has no record", id)
		}
	}
	for id := range first {
		if second[id] == nil {
			t.Errorf("%s was not passed on to the second workflow", id)
		}
	}
	if len(second) != len(first) {
		t.Errorf("%d records of the first workflow, %d of the second", len(first), len(second))
	}
	l.checkRecords(first, "SUCCEEDED")
	l.checkRecords(second, "SUCCEEDED")
	l.checkRecords(broken, "FAILED")
	l.checkCounts(map[string]int{"first SUCCEEDED": len(first), "second SUCCEEDED": len(second), "broken FAILED": len(broken)})
	l.checkPublished(first)
	l.checkEvents(first, "SUCCEEDED")
	l.checkEvents(second, "SUCCEEDED")
	l.checkEvents(broken, "FAILED")
	l.checkCatalog(first)
	l.checkQueues()
}

// records reads all records of a workflow, by the id of their Item.
func (l *load) records(workflow string) map[string]*api.Record {
	l.s.t.Helper()
	all := map[string]*api.Record{}
	query := url.Values{"collections_workflow": {"load_" + workflow}, "limit": {"500"}}
	for {
		var page api.Records
		l.s.mustGet(api.PathRecords+"?"+query.Encode(), &page)
		for _, r := range page.Records {
			if all[r.ItemIDs] != nil {
				l.s.t.Errorf("%s comes twice in the pages of records", r.PayloadID)
			}
			all[r.ItemIDs] = &r
		}
		if page.Next == "" {
			return all
		}
		query.Set("next", page.Next)
	}
}

// checkRecords looks whether every record came to its end with one execution, and what is kept of that.
func (l *load) checkRecords(records map[string]*api.Record, end string) {
	var g errgroup.Group
	g.SetLimit(8)
	for _, r := range records {
		g.Go(func() error {
			l.checkRecord(r, end)
			return nil
		})
	}
	_ = g.Wait() // it reports to the test
}

func (l *load) checkRecord(r *api.Record, end string) {
	t := l.s.t
	if r.State != end || len(r.Executions) != 1 || (end == "FAILED") != (r.LastError == "Broken: it cannot work") {
		t.Errorf("%s: %s after %d executions: %s", r.PayloadID, r.State, len(r.Executions), r.LastError)
		return
	}
	documents := []string{"input", "output"}
	if end == "FAILED" {
		documents = documents[:1]
	}
	for _, which := range documents {
		var doc struct{ Features []struct{ ID string } }
		path := api.PathPayloads + "/" + r.PayloadID + "?doc=" + which
		if !l.s.get(path, &doc) || len(doc.Features) != 1 || doc.Features[0].ID != r.ItemIDs {
			t.Errorf("%s: the %s is missing or another's: %+v", r.PayloadID, which, doc)
		}
	}
	l.checkHistory(r)
}

// checkHistory looks whether an execution ran once: its history begins once, ends once, and is numbered without a gap.
func (l *load) checkHistory(r *api.Record) {
	t := l.s.t
	arn := r.Executions[0]
	var h api.History
	if !l.s.get(api.PathExecutions+"/"+arn+"/history?limit=1000", &h) {
		t.Errorf("%s: no history of %s", r.PayloadID, arn)
		return
	}
	counts := map[string]int{}
	for i, raw := range h.Events {
		var ev struct {
			ID   int64
			Type string
		}
		if err := json.Unmarshal(raw, &ev); err != nil || ev.ID != int64(i+1) {
			t.Errorf("%s: event %d of %s has the number %d", r.PayloadID, i+1, arn, ev.ID)
		}
		counts[ev.Type]++
	}
	if counts["ExecutionStarted"] != 1 || counts["ExecutionSucceeded"]+counts["ExecutionFailed"] != 1 {
		t.Errorf("%s: %s did not begin once and end once: %v", r.PayloadID, arn, counts)
	}
}

// checkCounts compares the counts that are kept, of records and executions, with what was found by workflow and state.
func (l *load) checkCounts(records map[string]int) {
	t := l.s.t
	var stats api.Stats
	l.s.mustGet(api.PathStats, &stats)
	counted := map[string]int{}
	for _, c := range stats.Counts {
		counted[c.Workflow+" "+c.State] = int(c.Count)
	}
	if diff := cmp.Diff(records, counted); diff != "" {
		t.Errorf("records (-found +counted):\n%s", diff)
	}
	for key, want := range records {
		workflow, _, _ := strings.Cut(key, " ")
		found := 0
		for next := ""; ; {
			var page api.Executions
			l.s.mustGet(api.PathExecutions+"?limit=1000&workflow="+workflow+"&next="+url.QueryEscape(next), &page)
			found += len(page.Executions)
			if next = page.Next; next == "" {
				break
			}
		}
		if found != want {
			t.Errorf("%d executions of %s for %d records", found, workflow, want)
		}
	}
}

// checkPublished looks whether each execution's Item was published once.
func (l *load) checkPublished(records map[string]*api.Record) {
	t := l.s.t
	type publication struct{ id, step string }
	found := map[publication]int{}
	readLines(t, filepath.Join(l.s.dir, "published.ndjson"), func(line []byte) error {
		var item struct {
			ID         string
			Properties struct{ Step string }
		}
		err := json.Unmarshal(line, &item)
		found[publication{item.ID, item.Properties.Step}]++
		return err
	})
	for id := range records {
		for _, step := range []string{"first", "second"} {
			if n := found[publication{id, step}]; n != 1 {
				t.Errorf("the Item of %s was published %d times by the %s workflow", id, n, step)
			}
			delete(found, publication{id, step})
		}
	}
	for p, n := range found {
		t.Errorf("%+v was published %d times by nobody", p, n)
	}
}

// checkEvents looks whether each record was claimed, started and ended once in the events.
func (l *load) checkEvents(records map[string]*api.Record, end string) {
	t := l.s.t
	found := map[string]map[string]int{} // by payload id and type
	readLines(t, filepath.Join(l.s.dir, "events.ndjson"), func(line []byte) error {
		var e struct {
			Type      string `json:"event_type"`
			PayloadID string `json:"payload_id"`
		}
		err := json.Unmarshal(line, &e)
		if found[e.PayloadID] == nil {
			found[e.PayloadID] = map[string]int{}
		}
		found[e.PayloadID][e.Type]++
		return err
	})
	for _, r := range records {
		of := found[r.PayloadID]
		// A message that came again when the execution had ended tells so, instead of the start.
		started, ended := of["STARTED_PROCESSING"], of["ALREADY_"+end]
		if of["CLAIMED_PROCESSING"] != 1 || of[end] != 1 || started > 1 || started+ended == 0 {
			t.Errorf("%s: events %v", r.PayloadID, of)
		}
		for typ := range of {
			if !slices.Contains([]string{"CLAIMED_PROCESSING", "STARTED_PROCESSING", end, "ALREADY_" + end, "ALREADY_PROCESSING"}, typ) {
				t.Errorf("%s: events %v", r.PayloadID, of)
			}
		}
	}
}

// checkCatalog crawls the published catalog and compares the Items with the records.
func (l *load) checkCatalog(records map[string]*api.Record) {
	t := l.s.t
	found := map[string]int{}
	crawl(t, filepath.Join(l.s.data, "catalog", "catalog.json"), func(id string) { found[id]++ })
	for id := range records {
		if found[id] != 1 {
			t.Errorf("%s is linked %d times in the catalog", id, found[id])
		}
		delete(found, id)
	}
	for id := range found {
		t.Errorf("the catalog links %s, which has no record", id)
	}
}

func (l *load) checkQueues() {
	t := l.s.t
	var all api.Queues
	l.s.mustGet(api.PathQueues, &all)
	for _, q := range all.Queues {
		if q.DeadLetters != 0 {
			t.Errorf("queue %s has %d dead letters", q.Name, q.DeadLetters)
		}
	}
}

// crawl follows the child and item links of a catalog and tells the ids of the Items.
func crawl(t *testing.T, path string, item func(id string)) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("following a link: %v", err)
		return
	}
	var doc struct {
		Type, ID string
		Links    []struct{ Rel, Href string }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if doc.Type == "Feature" {
		item(doc.ID)
		return
	}
	for _, link := range doc.Links {
		if link.Rel != "child" && link.Rel != "item" {
			continue
		}
		href, err := url.PathUnescape(strings.TrimPrefix(link.Href, "file://"))
		if err != nil {
			t.Errorf("%s: link %q: %v", path, link.Href, err)
			continue
		}
		if !filepath.IsAbs(href) {
			href = filepath.Join(filepath.Dir(path), href)
		}
		crawl(t, href, item)
	}
}

// readLines reads a file of JSON lines.
func readLines(t *testing.T, path string, each func(line []byte) error) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := each(lines.Bytes()); err != nil {
			t.Errorf("%s: %v: %s", path, err, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Errorf("reading %s: %v", path, err)
	}
}
