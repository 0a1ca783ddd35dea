package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
	"sundog/internal/trace"
)

// StartRequest asks for an execution.
type StartRequest struct {
	Machine   string // name or ARN of the workflow, or ARN of a version or an alias
	Name      string // 1 to 80 characters, unique within the workflow; see API reference, StartExecution
	Input     []byte // one JSON value
	Lane      string // of the process queue, or empty
	PayloadID string // or empty
	// StartedBy tells a repetition of this request from another one with the same name: of two with the same StartedBy the second one gets the
	// execution of the first, whatever became of it. Empty: AWS's rules alone.
	StartedBy string
}

// Errors of a request that can never succeed.
var (
	// ErrInvalidName: AWS's InvalidName.
	ErrInvalidName = errors.New("invalid execution name")
	// ErrInvalidInput: AWS's InvalidExecutionInput.
	ErrInvalidInput = errors.New("invalid execution input")
)

func openKey(d *Description) store.Key {
	return store.NewKey(store.PrefixOpen).String(d.Machine).Time(d.Start).Uint(d.id)
}

func endedKey(d *Description) store.Key {
	return store.NewKey(store.PrefixEnded).String(d.Machine).Time(d.Stop).Uint(d.id)
}

// Start starts an execution; when it returns, the execution is on disk. The same name with the same input while the execution runs is the same
// execution; otherwise a used name gives ErrExists. Other errors: ErrInvalidName, ErrInvalidInput, and
// those of machine.Registry.Target.
func (e *Engine) Start(ctx context.Context, req StartRequest) (Description, error) {
	m, err := e.machines.Target(req.Machine, e.opts.Seed)
	if err != nil {
		return Description{}, err
	}
	input, err := e.check(&req)
	if err != nil {
		return Description{}, err
	}
	unlock, err := e.starting.Lock(ctx, m.Machine.Name+":"+req.Name)
	if err != nil {
		return Description{}, err
	}
	defer unlock()
	switch id, err := e.lookup(m.Machine.Name, req.Name); {
	case err == nil:
		return e.again(id, req.StartedBy, input)
	case !errors.Is(err, ErrNotFound):
		return Description{}, err
	}
	return e.start(ctx, m, req, "", input)
}

// check looks at the name and the input of a request, and returns the input.
func (e *Engine) check(req *StartRequest) (*asl.Document, error) {
	if !machine.ValidName(req.Name) {
		return nil, fmt.Errorf("%w: %q: 1 to 80 characters without spaces, control characters and <>{}[]?*\"#%%\\^|~`$&,;:/", ErrInvalidName, req.Name)
	}
	if limit := e.opts.MaxInput; len(req.Input) > limit {
		return nil, fmt.Errorf("%w: it has %d bytes, %d are allowed", ErrInvalidInput, len(req.Input), limit)
	}
	input, err := asl.ParseDocument(req.Input)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidInput, err)
	}
	return input, nil
}

// again answers a start whose name is taken.
func (e *Engine) again(id uint64, startedBy string, input *asl.Document) (Description, error) {
	d, err := e.describe(id)
	if err != nil || startedBy != "" && startedBy == d.StartedBy {
		return d, err
	}
	before, err := e.readDocument(id, d.Input)
	if err != nil {
		return d, err
	}
	if d.Status == asl.Running && bytes.Equal(before, input.Bytes()) {
		return d, nil
	}
	return d, fmt.Errorf("%w: %s", ErrExists, d.ARN)
}

// StartTx adds the start of an execution to somebody's transaction. Once the outcome of that is known, settle has to be called with it, whatever it
// is: until then nobody else can start an execution of this name. Errors are those of Start, with which nothing was added; after any other one the
// transaction has to be given up, and nothing is to be settled. A repetition of a request, as Start knows it, adds nothing.
func (e *Engine) StartTx(ctx context.Context, tx *store.Tx, req StartRequest) (d Description, settle func(error), err error) {
	m, err := e.machines.Target(req.Machine, e.opts.Seed)
	if err != nil {
		return Description{}, nil, err
	}
	input, err := e.check(&req)
	if err != nil {
		return Description{}, nil, err
	}
	unlock, err := e.starting.Lock(ctx, m.Machine.Name+":"+req.Name)
	if err != nil {
		return Description{}, nil, err
	}
	id, err := e.lookup(m.Machine.Name, req.Name)
	if err == nil {
		defer unlock()
		d, err = e.again(id, req.StartedBy, input)
		return d, func(error) {}, err
	}
	var finish func(error)
	if errors.Is(err, ErrNotFound) {
		d, finish, err = e.startTx(ctx, tx, m, req, "", input)
	}
	if err != nil {
		unlock()
		return d, nil, err
	}
	return d, func(outcome error) {
		defer unlock()
		finish(outcome)
	}, nil
}

// start starts an execution under a name that is not in use. One of StartSync has an id besides its name.
func (e *Engine) start(ctx context.Context, t machine.Target, req StartRequest, syncID string, input *asl.Document) (Description, error) {
	tx := e.store.Begin()
	d, settle, err := e.startTx(ctx, tx, t, req, syncID, input)
	if err != nil {
		return d, err
	}
	err = tx.Commit(context.WithoutCancel(ctx)) // what is on disk has to be carried out
	settle(err)
	if err != nil {
		return d, fmt.Errorf("starting %s: %w", d.ARN, err)
	}
	return d, nil
}

// startTx adds the start to a transaction, with whose outcome settle is called.
func (e *Engine) startTx(ctx context.Context, tx *store.Tx, t machine.Target, req StartRequest, syncID string, input *asl.Document) (d Description, settle func(error), err error) {
	at, m := e.moment(), t.Machine
	id := e.nextID(at.Now)
	d = Description{
		id: id, Machine: m.Name, Name: req.Name, ARN: e.ExecutionARN(m.Name, req.Name), Status: asl.Running, Start: at.Now,
		Lane: req.Lane, PayloadID: req.PayloadID, StartedBy: req.StartedBy, Definition: t.Revision.Definition, MachineType: m.Type, SyncID: syncID,
		Version: t.Version, Alias: t.Alias, Revision: t.Revision.ID, Revised: t.Revision.Since, Role: t.Revision.RoleARN,
	}
	if syncID != "" {
		d.ARN = e.syncARN(m.Name, d.unique())
	}
	e.place(&d, trace.From(ctx))
	in, all, err := e.begin(tx, d, t.Parsed, e.identityOf(&d), input, at)
	if err != nil {
		return d, nil, err
	}
	d = in.desc
	d.judge(at.Now)
	e.cache.adopt(in)
	return d, func(outcome error) {
		defer e.cache.release(in)
		if outcome != nil {
			in.forget()
			return
		}
		e.lanes.start(d.Lane)
		e.carryOut(in, all)
		e.work(in) // it was busy: something may have come in meanwhile
	}, nil
}

// begin adds a new execution and its first step to a transaction. The instance is busy: whoever commits carries out the effects, and then
// works through its mailbox.
func (e *Engine) begin(tx *store.Tx, d Description, machine *asl.Machine, id asl.Identity, input *asl.Document, at asl.Moment) (*instance, *effects, error) {
	exec, step := asl.Start(machine.WithLimits(e.opts.Limits), id, input, at)
	in := &instance{
		id: d.id, busy: true, loaded: true, exec: exec, docs: newDocuments(e.store, d.id), starting: true,
		timers: map[asl.TimerID]time.Time{}, tasks: map[asl.TaskID]asl.Task{},
	}
	in.docs.tx = tx
	d.Input = in.docs.Put(input)
	in.desc = d
	tx.Set(nameKey(d.Machine, d.unique()), store.Key(nil).Uint(d.id))
	if step.End == nil { // one that ends at once is never open on disk
		d.write(tx)
		if !d.isChild() {
			tx.Set(openKey(&d), []byte(d.Lane))
		}
	}
	all := &effects{}
	all.add(step)
	err := e.write(tx, in, all)
	in.starting = false
	return in, all, err
}

// Describe returns an execution, its input and its output (nil when it has none).
func (e *Engine) Describe(_ context.Context, arn string) (d Description, input, output []byte, err error) {
	id, err := e.find(arn)
	if err != nil {
		return Description{}, nil, nil, err
	}
	if d, err = e.describe(id); err != nil {
		return d, nil, nil, fmt.Errorf("%w: %s", err, arn)
	}
	if input, err = e.readDocument(id, d.Input); err != nil {
		return d, nil, nil, err
	}
	output, err = e.readDocument(id, d.Output)
	return d, input, output, err
}

// Page bounds a listing: after a token (empty: from the start), at most Limit entries (1 to 1000, 100 when zero).
type Page struct {
	After   int64
	Limit   int
	Reverse bool
}

// History returns a page of the events of an execution, and the number after which the next page begins, 0 when there is none.
func (e *Engine) History(_ context.Context, arn string, page Page) ([]asl.HistoryEvent, int64, error) {
	id, err := e.find(arn)
	if err != nil {
		return nil, 0, err
	}
	d, err := e.describe(id)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s", err, arn)
	}
	limit := page.Limit
	if limit <= 0 || limit > 1000 {
		limit = 100
	}
	docs := newDocuments(e.store, id)
	var events []asl.HistoryEvent
	for entry, err := range e.store.Scan(historyRange(id, page)) {
		if err != nil {
			return nil, 0, err
		}
		step, err := readHistory(entry.Value, docs)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the history of %s: %w", arn, err)
		}
		if page.Reverse {
			for i, j := 0, len(step)-1; i < j; i, j = i+1, j-1 {
				step[i], step[j] = step[j], step[i]
			}
		}
		for _, ev := range step {
			if page.After != 0 && (!page.Reverse && ev.ID <= page.After || page.Reverse && ev.ID >= page.After) {
				continue
			}
			if len(events) == limit {
				return events, events[limit-1].ID, nil
			}
			if ev.Type == "ExecutionStarted" {
				ev.Details.VersionARN, ev.Details.AliasARN = e.startedBy(&d)
			}
			events = append(events, ev)
		}
	}
	return events, 0, nil
}

// startedBy returns the ARNs of the version and the alias by which an execution was started, empty when it was by neither.
func (e *Engine) startedBy(d *Description) (version, alias string) {
	if d.Version != 0 {
		version = e.machines.Names.Version(d.Machine, d.Version)
	}
	if d.Alias != "" {
		alias = e.machines.Names.Alias(d.Machine, d.Alias)
	}
	return version, alias
}

// historyRange is where the page lies. Events are stored in chunks under the number of their first one, so the chunk in which a page begins may
// lie before it.
func historyRange(id uint64, page Page) store.Range {
	r := store.NewKey(store.PrefixHistory).Uint(id).Range()
	r.Reverse = page.Reverse
	if page.After == 0 {
		return r
	}
	if page.Reverse {
		r.High = historyKey(id, page.After)
	} else {
		r.Low = historyKey(id, max(1, page.After-maxChunk))
	}
	return r
}
