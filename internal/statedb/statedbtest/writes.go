package statedbtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/statedb"
)

func testReplace(t *testing.T, s Subject) {
	claimed := must(t, s, statedb.Claim(item(1), arn("a"), at(1)))
	mended := claimed.Clone()
	mended.StateUpdated = "ABORTED_" + claimed.Updated
	other := mended
	other.ID = item(2)
	if err := s.DB.Replace(t.Context(), claimed, &other, effects("never")); !errors.Is(err, statedb.ErrMalformed) {
		t.Errorf("by a record of another id: %v", err)
	}
	if err := s.DB.Replace(t.Context(), other, &other, effects("never")); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("a record that is not there: %v", err)
	}
	if err := s.DB.Replace(t.Context(), claimed, &mended, effects("mended")); err != nil {
		t.Fatal(err)
	}
	if r, err := s.DB.Get(t.Context(), item(1)); err != nil || !cmp.Equal(r, mended) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, after := range []*statedb.Record{&claimed, nil} { // it is no longer what it was
		if err := s.DB.Replace(t.Context(), claimed, after, effects("never")); !errors.Is(err, statedb.ErrChanged) {
			t.Errorf("a record that has changed: %v", err)
		}
	}
	if err := s.DB.Replace(t.Context(), mended, nil, effects("gone")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Get(t.Context(), item(1)); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
	if diff := cmp.Diff([]statedb.Effects{effects("mended"), effects("gone")}, s.Effects()); diff != "" {
		t.Errorf("effects (-want +got)\n%s", diff)
	}
	if counts, err := s.DB.Counts(t.Context(), ""); err != nil || len(counts) != 0 {
		t.Errorf("counts %v, %v", counts, err)
	}
}

func testPutMany(t *testing.T, s Subject) {
	must(t, s, statedb.Claim(item(1), arn("a"), at(1)))
	must(t, s, statedb.Claim(item(2), arn("a"), at(1)), statedb.Abort(item(2), arn("a"), at(2)))
	records := make([]statedb.Record, 5)
	for n := range records {
		records[n] = statedb.Record{ID: item(n), StateUpdated: "COMPLETED_x", Updated: "x", Outputs: []string{fmt.Sprint(n)}}
	}
	records[4].ID = item(3) // again: the last one counts
	for _, tt := range []struct {
		over statedb.Overwrite
		want []statedb.Brought
		last string
	}{
		{statedb.KeepExisting, []statedb.Brought{statedb.Stored, statedb.Held, statedb.Exists, statedb.Stored, statedb.Stored}, ""},
		{statedb.KeepExisting, []statedb.Brought{statedb.Exists, statedb.Held, statedb.Exists, statedb.Exists, statedb.Exists}, ""},
		{statedb.ReplaceExisting, []statedb.Brought{statedb.Stored, statedb.Held, statedb.Stored, statedb.Stored, statedb.Stored}, "2"},
	} {
		got, err := s.DB.PutMany(t.Context(), records, tt.over)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("overwriting %v: %v, want %v, %v", tt.over, got, tt.want, err)
		}
		for n, want := range map[int]string{0: "0", 1: "", 2: tt.last, 3: "4"} {
			if r, err := s.DB.Get(t.Context(), item(n)); err != nil || want != "" && !slices.Equal(r.Outputs, []string{want}) || want == "" && r.Outputs != nil {
				t.Errorf("overwriting %v: record %d is %+v, %v", tt.over, n, r, err)
			}
		}
	}
	malformed := []statedb.Record{{ID: item(9), StateUpdated: "FAILED_x"}, {ID: item(8), StateUpdated: "QUEUED_x"}}
	if _, err := s.DB.PutMany(t.Context(), malformed, statedb.ReplaceExisting); !errors.Is(err, statedb.ErrMalformed) {
		t.Errorf("an unknown state: %v", err)
	}
	if _, err := s.DB.Get(t.Context(), item(9)); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("a part of what was refused is there: %v", err)
	}
	if _, err := s.DB.PutMany(t.Context(), make([]statedb.Record, statedb.MaxPut+1), statedb.KeepExisting); err == nil {
		t.Error("too many were taken")
	}
	want := []statedb.Count{{Partition: "c1_wf", State: statedb.Claimed, Records: 1}, {Partition: "c1_wf", State: statedb.Completed, Records: 3}}
	if got, err := s.DB.Counts(t.Context(), ""); err != nil || !cmp.Equal(got, want) {
		t.Errorf("counts %v, %v", got, err)
	}
}

// testPutManyAtOnce brings the same records in from several sides, in different orders.
func testPutManyAtOnce(t *testing.T, s Subject) {
	const writers, n = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			records := make([]statedb.Record, n)
			for i := range records {
				records[i] = statedb.Record{ID: item((i*7 + w*13) % n), StateUpdated: "SUCCEEDED_" + fmt.Sprint(w), Updated: fmt.Sprint(w)}
			}
			if _, err := s.DB.PutMany(t.Context(), records, statedb.ReplaceExisting); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := s.DB.Counts(t.Context(), ""); err != nil || len(got) != 1 || got[0].Records != n {
		t.Errorf("counts %v, %v", got, err)
	}
	for _, index := range []statedb.Index{statedb.ByUpdated, statedb.ByStateUpdated, statedb.ByItemIDs} {
		if page, err := s.DB.Query(t.Context(), statedb.Query{Index: index}); err != nil || len(page.Records) != n {
			t.Errorf("%s lists %d, %v", index, len(page.Records), err)
		}
	}
}
