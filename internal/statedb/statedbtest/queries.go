package statedbtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/statedb"
	"sundog/payload"
)

// testQueries asks for records in every way and compares with what sorting and filtering a list gives.
func testQueries(t *testing.T, s Subject) {
	rapid.Check(t, func(rt *rapid.T) {
		records := rapid.SliceOfNDistinct(rapid.Custom(drawRecord), 0, 40, func(r statedb.Record) payload.ID { return r.ID }).Draw(rt, "records")
		for _, r := range records {
			if err := s.DB.Put(t.Context(), r); err != nil {
				rt.Fatal(err)
			}
		}
		for range 8 {
			q := drawQuery(rt)
			want, got := expected(records, q), []string{}
			for r, err := range statedb.All(t.Context(), s.DB, q) {
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, r.ID.String())
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("%+v:\n got %q\nwant %q", q, got, want)
			}
			continueAfter(rt, t, s, records, q, want)
		}
		counted := map[string]int64{}
		for _, r := range records {
			counted[r.ID.Workflow+" "+string(r.State())]++
		}
		counts, err := s.DB.WorkflowCounts(t.Context(), "")
		if err != nil || len(counts) != len(counted) {
			rt.Fatalf("counts %v, want %v, %v", counts, counted, err)
		}
		for _, c := range counts {
			if counted[c.Workflow+" "+string(c.State)] != c.Records {
				rt.Fatalf("counts %v, want %v", counts, counted)
			}
		}
		for _, r := range records { // rounds share the database
			if err := s.DB.Delete(t.Context(), r.ID, statedb.Effects{}); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// continueAfter goes on after a record of the answer that somebody names.
func continueAfter(rt *rapid.T, t *testing.T, s Subject, records []statedb.Record, q statedb.Query, all []string) {
	if len(all) == 0 {
		return
	}
	after := rapid.IntRange(0, len(all)-1).Draw(rt, "after")
	at := slices.IndexFunc(records, func(r statedb.Record) bool { return r.ID.String() == all[after] })
	plan, err := q.Plan()
	if err != nil {
		rt.Fatal(err)
	}
	q.After = plan.Token(plan.Position(records[at]))
	got := []string{}
	for r, err := range statedb.All(t.Context(), s.DB, q) {
		if err != nil {
			rt.Fatal(err)
		}
		got = append(got, r.ID.String())
	}
	if want := all[after+1:]; !slices.Equal(got, want) {
		rt.Fatalf("%+v after %s:\n got %q\nwant %q", q, all[after], got, want)
	}
}

func drawRecord(rt *rapid.T) statedb.Record {
	updated := statedb.FormatTime(at(rapid.IntRange(0, 5).Draw(rt, "updated")))
	r := statedb.Record{
		ID: payload.ID{
			Collections: rapid.SampledFrom([]string{"a", "a/b", "a_b", "c"}).Draw(rt, "collections"),
			Workflow:    rapid.SampledFrom([]string{"w", "w1", "x"}).Draw(rt, "workflow"),
			ItemIDs:     fmt.Sprintf("i%02d", rapid.IntRange(0, 30).Draw(rt, "items")),
		},
		StateUpdated: string(rapid.SampledFrom(append(statedb.States(), statedb.Completed)).Draw(rt, "state")) + "_" + updated,
		Created:      updated, Updated: updated,
	}
	if rapid.IntRange(0, 9).Draw(rt, "without updated") == 0 {
		r.Updated = ""
	}
	if rapid.Bool().Draw(rt, "has error") {
		text := rapid.SampledFrom([]string{"E1: x", "E2: y", "E"}).Draw(rt, "error")
		r.LastError = &text
	}
	return r
}

func drawQuery(rt *rapid.T) statedb.Query {
	q := statedb.Query{
		Index:       rapid.SampledFrom([]statedb.Index{statedb.ByUpdated, statedb.ByStateUpdated, statedb.ByItemIDs}).Draw(rt, "index"),
		State:       rapid.SampledFrom(append(statedb.States(), statedb.Completed, "", "", "", "", "")).Draw(rt, "state"),
		ErrorPrefix: rapid.SampledFrom([]string{"", "", "E", "E1"}).Draw(rt, "error"),
		ItemPrefix:  rapid.SampledFrom([]string{"", "", "i", "i1", "i12"}).Draw(rt, "items"),
		Ascending:   rapid.Bool().Draw(rt, "ascending"),
		Limit:       rapid.SampledFrom([]int{1, 2, 7, 100}).Draw(rt, "limit"),
	}
	switch rapid.IntRange(0, 2).Draw(rt, "of") {
	case 0:
		q.Partition = rapid.SampledFrom([]string{"a_w", "a/b_w1", "a_b_w", "c_x", "a_b_b"}).Draw(rt, "partition")
	case 1:
		q.Workflow = rapid.SampledFrom([]string{"w", "w1", "x", "none"}).Draw(rt, "workflow")
	}
	bound := func(name string) time.Time {
		if n := rapid.IntRange(-6, 5).Draw(rt, name); n >= 0 {
			return at(n)
		}
		return time.Time{}
	}
	q.Since, q.Until = bound("since"), bound("until")
	return q
}

// expected is the answer to a query in the words of its promise.
func expected(records []statedb.Record, q statedb.Query) []string {
	bounded := !q.Since.IsZero() || !q.Until.IsZero()
	index := q.Index
	switch {
	case q.ItemPrefix != "":
		index = statedb.ByItemIDs
	case q.State != "":
		index = statedb.ByStateUpdated
	case bounded:
		index = statedb.ByUpdated
	}
	type line struct{ sort, id string }
	var lines []line
	for _, r := range records {
		_, stamp, _ := strings.Cut(r.StateUpdated, "_")
		inIndex := r.Updated
		if q.Partition == "" || index == statedb.ByStateUpdated || index == statedb.ByItemIDs {
			inIndex = stamp
		}
		switch {
		case q.Partition != "" && r.ID.PartitionKey() != q.Partition, q.Workflow != "" && r.ID.Workflow != q.Workflow:
		case q.State != "" && r.State().Current() != q.State.Current():
		case q.Partition != "" && index == statedb.ByUpdated && r.Updated == "": // DynamoDB's index does not hold it
		case !q.Since.IsZero() && inIndex < statedb.FormatTime(q.Since), !q.Until.IsZero() && inIndex > statedb.FormatTime(q.Until):
		case !strings.HasPrefix(r.ID.ItemIDs, q.ItemPrefix):
		case q.ErrorPrefix != "" && (r.LastError == nil || !strings.HasPrefix(*r.LastError, q.ErrorPrefix)):
		default:
			key := ""
			if index == statedb.ByStateUpdated && q.State == "" {
				key = string(r.State())
			}
			if index != statedb.ByItemIDs {
				key += "\x00" + stamp
			}
			lines = append(lines, line{key + "\x00" + r.ID.PartitionKey() + "\x00" + r.ID.ItemIDs, r.ID.String()})
		}
	}
	slices.SortFunc(lines, func(a, b line) int {
		if q.Ascending {
			return cmp.Compare(a.sort, b.sort)
		}
		return cmp.Compare(b.sort, a.sort)
	})
	ids := make([]string, 0, len(lines))
	for _, l := range lines {
		ids = append(ids, l.id)
	}
	return ids
}
