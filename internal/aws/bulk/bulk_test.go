package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/internal/aws/bulk"
)

// TestSend sends entries to a service that refuses some: the first entry as often as it is told, one always, one because it is wrong.
func TestSend(t *testing.T) {
	limits := bulk.Limits{Entries: 3, Bytes: 100}
	broken := errors.New("connection reset")
	for _, tt := range []struct {
		name   string
		sizes  []int
		refuse map[int]int // entry to how often
		faulty int         // entry that is wrong
		breaks int         // the call that fails
		calls  [][]int
		unsent []int
		text   string
	}{
		{name: "none", calls: nil},
		{name: "by count", sizes: []int{1, 1, 1, 1}, faulty: -1, calls: [][]int{{0, 1, 2}, {3}}},
		{name: "by bytes", sizes: []int{60, 40, 1, 99, 100}, faulty: -1, calls: [][]int{{0, 1}, {2, 3}, {4}}},
		{name: "refused once", sizes: []int{1, 1, 1, 1}, refuse: map[int]int{0: 1, 3: 1}, faulty: -1, calls: [][]int{{0, 1, 2}, {3}, {0, 3}}},
		{
			name: "refused always", sizes: []int{1, 1}, refuse: map[int]int{1: 99}, faulty: -1, calls: [][]int{{0, 1}, {1}, {1}, {1}, {1}},
			unsent: []int{1}, text: "1 of 2, the first of them the one at 1: Busy: later",
		},
		{name: "wrong", sizes: []int{1, 1}, faulty: 0, calls: [][]int{{0, 1}}, unsent: []int{0}, text: "1 of 2, the first of them the one at 0: Wrong: never"},
		{name: "alone", sizes: []int{1}, faulty: 0, calls: [][]int{{0}}, unsent: []int{0}, text: "Wrong: never"},
		{
			name: "call fails", sizes: []int{1, 1, 1, 1, 1}, faulty: -1, refuse: map[int]int{1: 1}, breaks: 2, calls: [][]int{{0, 1, 2}, {3, 4}},
			unsent: []int{1, 3, 4}, text: "3 of 5, the first of them the one at 1: Busy: later",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls [][]int
				err := bulk.Send(t.Context(), tt.sizes, limits, func(_ context.Context, entries []int) ([]bulk.Failure, error) {
					calls = append(calls, entries)
					if len(calls) == tt.breaks {
						return nil, broken
					}
					var failed []bulk.Failure
					for _, i := range entries {
						if i == tt.faulty {
							failed = append(failed, bulk.Failure{Entry: i, SenderFault: true, Code: "Wrong", Message: "never"})
						} else if tt.refuse[i] > 0 {
							tt.refuse[i]--
							failed = append(failed, bulk.Failure{Entry: i, Code: "Busy", Message: "later"})
						}
					}
					return failed, nil
				})
				if diff := cmp.Diff(tt.calls, calls); diff != "" {
					t.Error("calls:", diff)
				}
				unsent, ok := errors.AsType[*bulk.UnsentError](err)
				if ok != (tt.unsent != nil) || ok && (err.Error() != tt.text || !slices.Equal(unsent.Entries, tt.unsent)) {
					t.Errorf("%v, want %v: %s", err, tt.unsent, tt.text)
				}
			})
		})
	}
}

// TestCancelled ends the context while refused entries wait for their next attempt.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		calls := 0
		err := bulk.Send(ctx, []int{1, 1}, bulk.Limits{Entries: 10, Bytes: 10}, func(context.Context, []int) ([]bulk.Failure, error) {
			calls++
			cancel(errors.New("told to stop"))
			return []bulk.Failure{{Entry: 1, Code: "Busy"}}, nil
		})
		unsent, ok := errors.AsType[*bulk.UnsentError](err)
		if !ok || !errors.Is(err, context.Canceled) || calls != 1 || !slices.Equal(unsent.Entries, []int{1}) {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
}

// TestEveryEntryOnce plays services that refuse at random: each entry is taken once or named, and no call is over the limits.
func TestEveryEntryOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limits := bulk.Limits{Entries: rapid.IntRange(1, 10).Draw(r, "entries"), Bytes: 50}
		sizes := rapid.SliceOfN(rapid.IntRange(0, 50), 0, 40).Draw(r, "sizes")
		taken := make([]int, len(sizes))
		outcomes := rapid.SliceOfN(rapid.IntRange(0, 9), 200, 200).Draw(r, "outcomes")
		turn := 0
		synctest.Test(t, func(t *testing.T) {
			err := bulk.Send(t.Context(), sizes, limits, func(_ context.Context, entries []int) ([]bulk.Failure, error) {
				bytes := 0
				var failed []bulk.Failure
				for _, i := range entries {
					bytes += sizes[i]
					turn++
					switch outcomes[turn%len(outcomes)] {
					case 0, 1, 2:
						failed = append(failed, bulk.Failure{Entry: i, Code: "Busy"})
					case 3:
						failed = append(failed, bulk.Failure{Entry: i, Code: "Wrong", SenderFault: true})
					default:
						taken[i]++
					}
				}
				if len(entries) > limits.Entries || bytes > limits.Bytes {
					r.Errorf("a call of %d entries and %d bytes", len(entries), bytes)
				}
				return failed, nil
			})
			if unsent, ok := errors.AsType[*bulk.UnsentError](err); ok {
				for _, i := range unsent.Entries {
					taken[i]++
				}
			}
			for i, n := range taken {
				if n != 1 {
					r.Error(fmt.Sprintf("the entry %d was taken or named %d times", i, n))
				}
			}
		})
	})
}
