package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/internal/statedb"
)

// Bounds of a step of sync.
const (
	syncRecords  = 200     // that are brought in at once
	syncPayloads = 8       // that are under way at once
	syncLine     = 4 << 20 // bytes of a record
)

func (a *app) syncCommand() *cobra.Command {
	var q client.RecordQuery
	var s syncing
	var overwrite bool
	c := &cobra.Command{
		Use:   "sync FROM TO",
		Short: "Copy records and their payloads from one deployment to another",
		Long: `Copy the records that the flags select from one deployment to another, each a server or a deployment on AWS, named as for manage, or the URL of
a server. With --payloads the inputs of their last executions come too, so that what failed there can be run again here; with --outputs, the outputs.

Executions stay those of the deployment where they ran. Records that are CLAIMED or PROCESSING are left out, and those that are so at the target stay
as they are, as does every record that is there already, unless --overwrite is given. When it is cut off it can be done again.`,
		Example: `  sundog sync prod http://127.0.0.1:8123 --workflow ingest --state FAILED --since 7d --payloads
  sundog sync laptop prod --collections-workflow sentinel-2-l2a_ingest --payloads --outputs --overwrite`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if args[0] == args[1] {
				return problem.New(problem.Invalid, "%s is where it comes from and where it goes to", args[0]).WithHint("name two deployments: sundog sync FROM TO")
			}
			var err error
			if s.from, err = a.connect(ctx, args[0]); err != nil {
				return err
			}
			if s.to, err = a.connect(ctx, args[1]); err != nil {
				return err
			}
			s.bar = a.progress(ctx, 0, a.ErrTerminal && !a.quiet, true)
			err = s.run(ctx, q, overwrite)
			s.bar.end()
			return a.synced(&s, err)
		},
	}
	addFilters(c, &q)
	f := c.Flags()
	f.IntVar(&q.Limit, "limit", 0, "so `many` records at most, the latest first; 0 is all")
	f.BoolVar(&s.inputs, "payloads", false, "copy the inputs of their last executions")
	f.BoolVar(&s.outputs, "outputs", false, "copy the outputs of those that succeeded")
	f.BoolVar(&overwrite, "overwrite", false, "replace records that are there already")
	return c
}

// syncing is a copy that is under way.
type syncing struct {
	from, to        *client.Client
	inputs, outputs bool
	bar             *progress
	records         api.Imported
	leftOut         int64 // records that an execution holds where they come from
	copied          atomic.Int64
	there           atomic.Int64 // payloads that were there already
	missing         atomic.Int64 // payloads that are not stored where their records come from
	newer           atomic.Int64 // payloads of records that have run, or run, at the target
}

// run copies the records of a query, some at a time, in the order in which they come.
func (s *syncing) run(ctx context.Context, q client.RecordQuery, overwrite bool) error {
	reader, writer := io.Pipe()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return writer.CloseWithError(s.from.Export(ctx, q, s.bar.writer(writer))) })
	g.Go(func() (err error) {
		defer func() { _ = reader.CloseWithError(err) }()
		lines := bufio.NewScanner(reader)
		lines.Buffer(nil, syncLine)
		var batch syncBatch
		for lines.Scan() {
			if !batch.add(lines.Bytes()) {
				s.leftOut++
			}
			if batch.lines == syncRecords {
				if err := s.step(ctx, &batch, overwrite); err != nil {
					return err
				}
			}
		}
		if err := lines.Err(); err != nil {
			return err
		}
		return s.step(ctx, &batch, overwrite)
	})
	return g.Wait()
}

// syncBatch are records that are brought in at once.
type syncBatch struct {
	text    bytes.Buffer
	lines   int
	records []statedb.Record
}

// add takes a record, as an item of DynamoDB, unless an execution holds it. One that cannot be read is left for the target to complain of.
func (b *syncBatch) add(item []byte) bool {
	var r statedb.Record
	err := r.UnmarshalItem(item)
	if err == nil && r.State().Open() {
		return false
	}
	b.text.Write(item)
	b.text.WriteByte('\n')
	b.lines++
	if err == nil {
		b.records = append(b.records, r)
	}
	return true
}

// step brings in the records of a batch, then their payloads.
func (s *syncing) step(ctx context.Context, batch *syncBatch, overwrite bool) error {
	if batch.text.Len() == 0 {
		return nil
	}
	done, err := s.to.Import(ctx, &batch.text, overwrite)
	s.records.Stored += done.Stored
	s.records.Existing += done.Existing
	s.records.Held += done.Held
	s.records.Malformed += done.Malformed
	s.records.Complaints = append(s.records.Complaints, done.Complaints[:min(len(done.Complaints), statedb.MaxComplaints-len(s.records.Complaints))]...)
	if err != nil {
		return err
	}
	s.bar.count(int(s.records.Stored + s.records.Existing))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(syncPayloads)
	for _, r := range batch.records {
		if r.LastExecution() == "" {
			continue
		}
		if s.inputs {
			g.Go(func() error { return s.payload(ctx, &r, "input") })
		}
		if s.outputs && r.State().Current() == statedb.Succeeded {
			g.Go(func() error { return s.payload(ctx, &r, "output") })
		}
	}
	err = g.Wait()
	batch.text.Reset()
	batch.lines, batch.records = 0, batch.records[:0]
	return err
}

// payload copies the input or output of a record's last execution.
func (s *syncing) payload(ctx context.Context, r *statedb.Record, which string) error {
	id := r.ID.String()
	doc, err := s.from.Payload(ctx, id, which)
	if problem.Is(err, problem.NotFound) {
		s.missing.Add(1)
		return nil
	}
	if err != nil {
		return problem.Wrap(problem.KindOf(err), err, "reading the %s of %s", which, id)
	}
	stored, err := s.to.StorePayload(ctx, id, which, r.LastExecution(), doc)
	switch {
	case problem.Is(err, problem.Conflict):
		s.newer.Add(1)
	case err != nil:
		return problem.Wrap(problem.KindOf(err), err, "storing the %s of %s", which, id)
	case stored.Existing:
		s.there.Add(1)
	default:
		s.copied.Add(1)
	}
	return nil
}

// synced prints what was copied, also when an error ended it.
func (a *app) synced(s *syncing, err error) error {
	result := struct {
		api.Imported
		LeftOut         int64 `json:"left_out"`
		Payloads        int64 `json:"payloads"`
		PayloadsThere   int64 `json:"payloads_existing"`
		PayloadsMissing int64 `json:"payloads_missing"`
		PayloadsNewer   int64 `json:"payloads_newer"`
	}{s.records, s.leftOut, s.copied.Load(), s.there.Load(), s.missing.Load(), s.newer.Load()}
	printed := a.printOne(result, []field{
		{"Records stored", count(result.Stored)},
		{"There already", count(result.Existing)},
		{"Held by executions there", count(result.Held)},
		{"Left out, since executions hold them", count(result.LeftOut)},
		{"Malformed", count(result.Malformed)},
		{"Payloads stored", count(result.Payloads)},
		{"Payloads there already", count(result.PayloadsThere)},
		{"Payloads not kept any more", count(result.PayloadsMissing)},
		{"Payloads of records that ran since", count(result.PayloadsNewer)},
	})
	switch {
	case err != nil:
		return err
	case printed != nil:
		return printed
	case result.Malformed > 0:
		return problem.New(problem.Invalid, "%d records are malformed, such as: %s", result.Malformed, result.Complaints[0].Error)
	}
	return nil
}
