package statedbtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/internal/statedb"
	"sundog/payload"
)

// model is what the database should hold. It knows the rules in the words of the promise, not of the code: who holds a record, and
// which executions ever held it.
type model struct {
	records map[payload.ID]*entry
}

type entry struct {
	state      statedb.State
	holder     string // execution that holds the record, empty when none does
	executions []string
	error      *string
	redrives   int64 // of the last execution
}

// allowed says whether a transition has to be made.
func (m *model) allowed(t statedb.Transition) bool {
	e := m.records[t.ID]
	switch t.To {
	case statedb.Claimed:
		return e == nil || e.holder == "" && !slices.Contains(e.executions, t.Execution)
	case statedb.Processing:
		if t.Redrives > 0 {
			return e != nil && e.redrivable(t)
		}
		return e != nil && e.holder == t.Execution && e.state == statedb.Claimed
	default:
		return e == nil || e.holder == t.Execution && e.redrives == t.Redrives || e.redrivable(t)
	}
}

// redrivable says whether a redrive may have come before a transition.
func (e *entry) redrivable(t statedb.Transition) bool {
	return len(e.executions) > 0 && e.executions[len(e.executions)-1] == t.Execution && e.state != statedb.Succeeded && e.redrives < t.Redrives
}

func (m *model) apply(t statedb.Transition) {
	e := m.records[t.ID]
	if e == nil {
		e = &entry{}
		m.records[t.ID] = e
	}
	e.state = t.To
	switch t.To {
	case statedb.Claimed:
		e.holder, e.error, e.redrives = t.Execution, nil, 0
		e.executions = append(e.executions, t.Execution)
	case statedb.Processing:
		if t.Redrives > 0 {
			e.holder, e.error, e.redrives = t.Execution, nil, t.Redrives
		}
	default:
		if e.redrives < t.Redrives && len(e.executions) > 0 {
			e.error, e.redrives = nil, t.Redrives
		}
		e.holder = ""
		if t.To == statedb.Failed || t.To == statedb.Invalid {
			e.error = &t.Error
		}
	}
}

// testModel makes transitions in any order, late and repeated ones among them, and compares with the model.
func testModel(t *testing.T, s Subject) {
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		collections := fmt.Sprintf("m%d", round) // rounds share the database, not the records
		m := model{records: map[payload.ID]*entry{}}
		ids := make([]payload.ID, 3)
		for i := range ids {
			ids[i] = payload.ID{Collections: collections, Workflow: "wf", ItemIDs: fmt.Sprint(i)}
		}
		transitions := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) statedb.Transition {
			return statedb.Transition{
				ID:        rapid.SampledFrom(ids).Draw(rt, "id"),
				To:        rapid.SampledFrom(statedb.States()).Draw(rt, "to"),
				Execution: arn(fmt.Sprint(rapid.IntRange(0, 4).Draw(rt, "execution"))),
				Error:     "why",
				Redrives:  rapid.SampledFrom([]int64{0, 0, 0, 1, 2}).Draw(rt, "redrives"),
			}
		}), 1, 40).Draw(rt, "transitions")
		for n, tr := range transitions {
			tr.At = at(n)
			_, err := s.DB.Apply(t.Context(), tr, statedb.Effects{})
			_, conflict := statedb.Conflict(err)
			if err != nil && !conflict {
				rt.Fatal(err)
			}
			if allowed := m.allowed(tr); allowed == conflict {
				rt.Fatalf("step %d, %s to %s by %s: allowed %v, got %v", n, tr.ID, tr.To, tr.Execution, allowed, err)
			}
			if !conflict {
				m.apply(tr)
			}
			if rapid.IntRange(0, 19).Draw(rt, "delete") == 0 {
				if err := s.DB.Delete(t.Context(), tr.ID, statedb.Effects{}); err != nil && !errors.Is(err, statedb.ErrNotFound) {
					rt.Fatal(err)
				}
				delete(m.records, tr.ID)
			}
		}
		m.compare(rt, t, s, collections+"_wf")
	})
}

// compare looks at every record, at the indexes, and at the counts.
func (m *model) compare(rt *rapid.T, t *testing.T, s Subject, partition string) {
	want := map[statedb.State]int64{}
	for id, e := range m.records {
		want[e.state]++
		r, err := s.DB.Get(t.Context(), id)
		if err != nil || r.State() != e.state || !slices.Equal(r.Executions, e.executions) || !cmp.Equal(r.LastError, e.error) {
			rt.Fatalf("%s: want %+v, found %+v, %v", id, e, r, err)
		}
		if err := r.Check(); err != nil {
			rt.Fatal(err)
		}
	}
	counts, err := s.DB.Counts(t.Context(), partition)
	if err != nil {
		rt.Fatal(err)
	}
	counted := map[statedb.State]int64{}
	for _, c := range counts {
		counted[c.State] = c.Records
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		rt.Fatalf("counts (-want +got)\n%s", diff)
	}
	for _, index := range []statedb.Index{statedb.ByUpdated, statedb.ByStateUpdated, statedb.ByItemIDs} {
		page, err := s.DB.Query(t.Context(), statedb.Query{Partition: partition, Index: index})
		if err != nil || len(page.Records) != len(m.records) {
			rt.Fatalf("%s lists %d of %d records, %v", index, len(page.Records), len(m.records), err)
		}
	}
}
