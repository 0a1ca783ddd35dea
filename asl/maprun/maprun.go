// Package maprun is the logic of map runs (Developer Guide, "Using Map state in Distributed mode"): how many children may run, what each gets,
// when a run has failed, and what its result is. It starts nothing and stores nothing: an engine does that, and asltest, both with what is
// here, so that there is one truth.
//
// A Run counts, a Feed makes the inputs of the children, and Output or Export make the result of what became of them. None of them grows
// with the number of items: Output is bounded by the size that an output may have, Export writes files of bounded size.
package maprun

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"sundog/asl"
)

// Names of the errors of map runs (Developer Guide, "Handling errors in Step Functions workflows").
const (
	errTolerance = "States.ExceedToleratedFailureThreshold"
	errReader    = "States.ItemReaderFailed"
	errWriter    = "States.ResultWriterFailed"
	errSize      = "States.DataLimitExceeded"
)

// MaxInputBytes bounds the input of a child, in bytes of JSON text (AWS: 256 KiB).
const MaxInputBytes = 256 << 10

// Counts are how many items, or children, are in which state (API reference, MapRunItemCounts and MapRunExecutionCounts).
type Counts struct {
	Total     int64 `json:"total"` // that were read, or started
	Running   int64 `json:"running"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
	TimedOut  int64 `json:"timedOut"`
	Aborted   int64 `json:"aborted"`
}

// A Run is the bookkeeping of one map run. It can be stored as JSON at any moment and taken up again.
type Run struct {
	MaxConcurrency      int64         `json:"maxConcurrency"` // 0: no bound of its own
	ToleratedCount      *int64        `json:"toleratedCount,omitempty"`
	ToleratedPercentage *float64      `json:"toleratedPercentage,omitempty"`
	Items               Counts        `json:"items"`
	Children            Counts        `json:"children"`
	AllRead             bool          `json:"allRead"` // every item has its child
	Failure             *asl.RunError `json:"failure,omitempty"`
}

// New begins a run.
func New(s asl.MapRunSettings) *Run {
	return &Run{MaxConcurrency: s.MaxConcurrency, ToleratedCount: s.ToleratedCount, ToleratedPercentage: s.ToleratedPercentage}
}

// Room is how many children may be started now; limit is the bound of the engine.
func (r *Run) Room(limit int64) int64 {
	if r.AllRead || r.Failure != nil {
		return 0
	}
	if r.MaxConcurrency > 0 {
		limit = min(limit, r.MaxConcurrency)
	}
	return max(0, limit-r.Children.Running)
}

// Started notes a child with so many items and returns its index.
func (r *Run) Started(items int64) int64 {
	index := r.Children.Total
	r.Items.start(items)
	r.Children.start(1)
	return index
}

// Ended notes the end of a child.
func (r *Run) Ended(status asl.Status, items int64) {
	r.Items.end(status, items)
	r.Children.end(status, 1)
	r.judge()
}

// Exhausted notes that there are no more items.
func (r *Run) Exhausted() {
	r.AllRead = true
	r.judge()
}

// Fail notes an error that ends the run: nothing more is started. The first one counts.
func (r *Run) Fail(err *asl.RunError) {
	if r.Failure == nil {
		r.Failure = err
	}
}

// Tolerate changes what is tolerated (API reference, UpdateMapRun).
func (r *Run) Tolerate(count *int64, percentage *float64) {
	r.ToleratedCount, r.ToleratedPercentage = count, percentage
	r.judge()
}

// Over says whether nothing runs any more and nothing is to come: the result can be made.
func (r *Run) Over() bool { return r.Children.Running == 0 && (r.AllRead || r.Failure != nil) }

// judge fails a run when more of its items have failed than it tolerates; without a bound it tolerates none. A percentage is of all items,
// so it counts once all are known.
func (r *Run) judge() {
	failed := r.Items.Failed + r.Items.TimedOut + r.Items.Aborted
	none := r.ToleratedCount == nil && r.ToleratedPercentage == nil
	tooMany := none && failed > 0 || r.ToleratedCount != nil && failed > *r.ToleratedCount
	if r.ToleratedPercentage != nil && r.AllRead && r.Items.Total > 0 {
		tooMany = tooMany || float64(failed)*100/float64(r.Items.Total) > *r.ToleratedPercentage
	}
	if tooMany {
		r.Fail(&asl.RunError{Name: errTolerance, Cause: "The specified tolerated failure threshold was exceeded"})
	}
}

func (c *Counts) start(n int64) {
	c.Total += n
	c.Running += n
}

func (c *Counts) end(status asl.Status, n int64) {
	c.Running -= n
	switch status {
	case asl.Succeeded:
		c.Succeeded += n
	case asl.TimedOut:
		c.TimedOut += n
	case asl.Aborted:
		c.Aborted += n
	default:
		c.Failed += n
	}
}

// Child is who the child with an index is. The same child has the same name, so that whoever starts it again after a crash can see that
// it is there.
func Child(parent asl.Identity, runARN, label string, express bool, index int64) asl.Identity {
	sum := sha256.Sum256([]byte(runARN + "#" + strconv.FormatInt(index, 10)))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80 // of version 5, which is made of a hash
	child := parent
	child.Number = 0 // for whoever starts it
	child.Name = id.String()
	child.MachineARN, child.MachineName = parent.MachineARN+"/"+label, parent.MachineName+"/"+label
	child.ARN = fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", parent.Region, parent.Account, child.MachineName, child.Name)
	child.Express = express
	return child
}
