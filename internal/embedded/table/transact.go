package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// keepTokens is how long a client token of a transaction counts (TransactWriteItems, Idempotency).
const keepTokens = 10 * time.Minute

// Transact makes writes, all of them or none. With a token, which has up to 36 bytes, a transaction that was made within ten minutes is not made
// again; digest stands for what it does. An error of code table.TransactionCanceled has a reason for each write.
func (t *Tables) Transact(ctx context.Context, writes []table.Write, token string, digest []byte) ([]table.Written, error) {
	used, release, err := t.useAll(tablesOf(writes, func(w table.Write) string { return w.Table }))
	if err != nil {
		return nil, err
	}
	defer release()
	keys, err := checkTransaction(used, writes)
	if err != nil {
		return nil, err
	}
	var remember func(*store.Tx)
	if token != "" {
		key := store.NewKey(store.PrefixTransaction).String(token)
		unlock, err := t.locks.Lock(ctx, string(key))
		if err != nil {
			return nil, err
		}
		defer unlock()
		done, err := t.made(key, digest)
		if err != nil {
			return nil, err
		}
		if done {
			return repeatedAnswer(writes), nil
		}
		remember = func(tx *store.Tx) { tx.Set(key, append(binary.AppendVarint(nil, t.now().UnixNano()), digest...)) }
	}
	unlock, err := t.lockAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out, reasons, err := t.apply(ctx, used, writes, keys, remember)
	if reasons != nil {
		return nil, canceled(reasons)
	}
	for i := range out {
		out[i].Units *= 2 // a transaction reads and writes each item
	}
	return out, err
}

// repeatedAnswer is the answer to a transaction that was made before.
func repeatedAnswer(writes []table.Write) []table.Written {
	out := make([]table.Written, len(writes))
	for i := range out {
		out[i].Units = table.ReadUnits(0, true)
	}
	return out
}

// checkTransaction returns the keys of the items.
func checkTransaction(used map[string]*state, writes []table.Write) ([]store.Key, error) {
	keys := make([]store.Key, len(writes))
	reasons := make([]table.Reason, len(writes))
	refused := false
	for i := range writes {
		s := used[writes[i].Table]
		reasons[i].Code = "None"
		if failure, ok := errors.AsType[*table.Error](s.Schema.CheckWrite(&writes[i])); ok {
			reasons[i], refused = reasonOf(failure), true
			continue
		}
		keys[i] = s.itemKey(writes[i].KeyOf(s.Schema))
	}
	if refused {
		return nil, canceled(reasons)
	}
	if repeated(keys) {
		return nil, table.Invalid("Transaction request cannot include multiple operations on one item")
	}
	return keys, nil
}

func canceled(reasons []table.Reason) error {
	codes := make([]string, 0, len(reasons))
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return &table.Error{
		Code:    table.TransactionCanceled,
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		Reasons: reasons,
	}
}

// made reports whether a transaction with a token was made a short time ago.
func (t *Tables) made(key store.Key, digest []byte) (bool, error) {
	value, err := t.store.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a client token: %w", err)
	}
	d := store.Decode(value)
	at := time.Unix(0, d.Varint())
	if err := d.Err(); err != nil {
		return false, fmt.Errorf("looking for a client token: %w", err)
	}
	if t.now().Sub(at) > keepTokens {
		return false, nil
	}
	if !bytes.Equal(d.Rest(), digest) {
		return false, &table.Error{
			Code:    table.IdempotentMismatch,
			Message: "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical",
		}
	}
	return true, nil
}

// TransactGet returns items as they were at one moment, one answer for each request.
func (t *Tables) TransactGet(ctx context.Context, gets []table.Get) ([]table.Got, error) {
	used, release, err := t.useAll(tablesOf(gets, func(g table.Get) string { return g.Table }))
	if err != nil {
		return nil, err
	}
	defer release()
	keys := make([]store.Key, len(gets))
	reasons := make([]table.Reason, len(gets))
	refused := false
	for i := range gets {
		s := used[gets[i].Table]
		err := s.Schema.CheckKey(gets[i].Key)
		if err == nil {
			err = s.Schema.CheckPaths(gets[i].Projection, nil)
		}
		reasons[i].Code = "None"
		if failure, ok := errors.AsType[*table.Error](err); ok {
			reasons[i], refused = reasonOf(failure), true
			continue
		}
		keys[i] = s.itemKey(gets[i].Key)
	}
	if refused {
		return nil, canceled(reasons)
	}
	unlock, err := t.lockAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := make([]table.Got, 0, len(gets))
	size := 0
	for i := range gets {
		item, err := t.read(keys[i])
		if err != nil {
			return nil, fmt.Errorf("reading an item of table %s: %w", gets[i].Table, err)
		}
		if size += item.Size(); size > table.MaxTransactBytes {
			return nil, table.Invalid("Aggregate size of requested items exceeds the limit of 4194304 bytes")
		}
		got := table.Got{Units: 2 * table.ReadUnits(item.Size(), true)}
		if item != nil {
			got.Item = gets[i].Projection.Apply(item)
		}
		out = append(out, got)
	}
	return out, nil
}
