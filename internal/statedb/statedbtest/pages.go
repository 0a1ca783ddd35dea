package statedbtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"sundog/internal/statedb"
)

// all reads a query page by page.
func all(t *testing.T, s Subject, q statedb.Query) []string {
	t.Helper()
	var items []string
	for {
		page, err := s.DB.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			items = append(items, r.ID.ItemIDs)
		}
		if page.Next == "" {
			return items
		}
		if len(page.Records) > q.Limit {
			t.Fatalf("a page of %d with limit %d", len(page.Records), q.Limit)
		}
		q.After = page.Next
	}
}

// seed makes 20 records: item n is claimed at second 100-n; of those, every second one fails, in the order of the items, with an
// error that begins with the last digit of its number.
func seed(t *testing.T, s Subject) {
	for n := range 20 {
		must(t, s, statedb.Claim(item(n), arn(fmt.Sprint(n)), at(100-n)))
		if n%2 == 0 {
			must(t, s, statedb.Fail(item(n), arn(fmt.Sprint(n)), at(200+n), fmt.Sprintf("E%d: x", n%10)))
		}
	}
	other := item(1)
	other.Collections = "c1/c2"
	must(t, s, statedb.Claim(other, arn("other"), at(50)))
}

func testPages(t *testing.T, s Subject) {
	seed(t, s)
	var even, odd []string // ascending by time
	for n := range 20 {
		if n%2 == 0 {
			even = append(even, item(n).ItemIDs)
		} else {
			odd = append([]string{item(n).ItemIDs}, odd...)
		}
	}
	byTime := append(slices.Clone(odd), even...)
	byItem := slices.Sorted(slices.Values(byTime))
	for _, tt := range []struct {
		name string
		q    statedb.Query
		want []string
	}{
		{"by time", statedb.Query{}, byTime},
		{"by state", statedb.Query{Index: statedb.ByStateUpdated}, byTime}, // CLAIMED sorts before FAILED
		{"by item", statedb.Query{Index: statedb.ByItemIDs}, byItem},
		{"of a state", statedb.Query{State: statedb.Failed}, even},
		{"of a state that none has", statedb.Query{State: statedb.Aborted}, nil},
		{"since", statedb.Query{Since: at(210)}, even[5:]},
		{"until", statedb.Query{Until: at(85)}, odd[:3]},
		{"since and until", statedb.Query{Since: at(98), Until: at(204), Index: statedb.ByItemIDs}, byTime[9:13]},
		{"state, since and until", statedb.Query{State: statedb.Failed, Since: at(98), Until: at(204)}, even[:3]},
		{"by error", statedb.Query{ErrorPrefix: "E4"}, []string{item(4).ItemIDs, item(14).ItemIDs}},
		{"by error and state", statedb.Query{ErrorPrefix: "E4", State: statedb.Claimed}, nil},
	} {
		for _, limit := range []int{1, 3, 20, 100} {
			for _, ascending := range []bool{true, false} {
				q, want := tt.q, slices.Clone(tt.want)
				q.Partition, q.Limit, q.Ascending = "c1_wf", limit, ascending
				if !ascending {
					slices.Reverse(want)
				}
				if got := all(t, s, q); !slices.Equal(got, want) {
					t.Errorf("%s, limit %d, ascending %v:\n got %v\nwant %v", tt.name, limit, ascending, got, want)
				}
			}
		}
	}
	if got := all(t, s, statedb.Query{Partition: "c1/c2_wf"}); !slices.Equal(got, []string{item(1).ItemIDs}) {
		t.Errorf("of the other collections: %v", got)
	}
	if got := all(t, s, statedb.Query{Partition: "c_wf"}); len(got) != 0 {
		t.Errorf("of collections that nobody has: %v", got)
	}
}

// testMovingPages changes the record at which a page ends before the next is read: the token keeps its place.
func testMovingPages(t *testing.T, s Subject) {
	for n := range 6 {
		must(t, s, statedb.Claim(item(n), arn(fmt.Sprint(n)), at(n)))
	}
	q := statedb.Query{Partition: "c1_wf", Ascending: true, Limit: 2}
	first, err := s.DB.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	must(t, s, statedb.Start(item(1), arn("1"), at(100)))
	if err := s.DB.Delete(t.Context(), item(0), statedb.Effects{}); err != nil {
		t.Fatal(err)
	}
	q.After = first.Next
	second, err := s.DB.Query(t.Context(), q)
	if err != nil || len(second.Records) != 2 || second.Records[0].ID != item(2) || second.Records[1].ID != item(3) {
		t.Errorf("second page %+v, %v", second.Records, err)
	}
}

func testWrongQueries(t *testing.T, s Subject) {
	seed(t, s)
	page, err := s.DB.Query(t.Context(), statedb.Query{Partition: "c1_wf", Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatalf("no token: %v", err)
	}
	for name, q := range map[string]statedb.Query{
		"workflow and partition": {Partition: "c1_wf", Workflow: "wf"},
		"no workflow":            {Partition: "c1"},
		"negative limit":         {Partition: "c1_wf", Limit: -1},
		"limit too large":        {Partition: "c1_wf", Limit: statedb.MaxLimit + 1},
		"unknown state":          {Partition: "c1_wf", State: "QUEUED"},
		"unknown index":          {Partition: "c1_wf", Index: 9},
		"token that is none":     {Partition: "c1_wf", After: "i001"},
		"token of another index": {Partition: "c1_wf", Index: statedb.ByItemIDs, After: page.Next},
		"token of a partition":   {Workflow: "wf", After: page.Next},
		"token without a state":  {Partition: "c1_wf", State: statedb.Failed, After: page.Next},
	} {
		if _, err := s.DB.Query(t.Context(), q); !errors.Is(err, statedb.ErrInvalidQuery) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
