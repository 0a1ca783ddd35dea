package statedb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// A record is stored as a version byte and its attributes in a fixed order, each text with its length in front. The key holds
// the id, so the value does not. Lists and last_error carry one more than their length, so that a missing one (0) differs from
// an empty one.
const codecVersion = 1

func encode(r *statedb.Record) []byte {
	size := 16 + len(r.StateUpdated) + len(r.Created) + len(r.Updated) + len(r.ClaimedAt)
	for _, arn := range r.Executions {
		size += 2 + len(arn)
	}
	out := append(make([]byte, 0, size), codecVersion)
	for _, text := range [...]string{r.StateUpdated, r.Created, r.Updated, r.ClaimedAt} {
		out = appendText(out, text)
	}
	out = appendList(out, r.Executions)
	if r.LastError == nil {
		out = binary.AppendUvarint(out, 0)
	} else {
		out = append(binary.AppendUvarint(out, uint64(len(*r.LastError))+1), *r.LastError...)
	}
	out = appendList(out, r.Outputs)
	names := make([]string, 0, len(r.Extra))
	for name := range r.Extra {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = appendText(appendText(out, name), string(r.Extra[name]))
	}
	return out
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

func appendList(out []byte, list []string) []byte {
	if list == nil {
		return binary.AppendUvarint(out, 0)
	}
	out = binary.AppendUvarint(out, uint64(len(list))+1)
	for _, text := range list {
		out = appendText(out, text)
	}
	return out
}

func decode(id payload.ID, value []byte) (statedb.Record, error) {
	d := store.Decode(value)
	if version := d.Byte(); version != codecVersion {
		return statedb.Record{}, fmt.Errorf("%w %s: stored in version %d, this program reads %d", statedb.ErrMalformed, id, version, codecVersion)
	}
	r := statedb.Record{ID: id}
	r.StateUpdated, r.Created, r.Updated, r.ClaimedAt = d.Text(), d.Text(), d.Text(), d.Text()
	r.Executions = list(d)
	if n := d.Uvarint(); n > 0 {
		text := string(d.Take(n - 1))
		r.LastError = &text
	}
	r.Outputs = list(d)
	for len(d.Rest()) > 0 {
		if r.Extra == nil {
			r.Extra = map[string]json.RawMessage{}
		}
		name := d.Text()
		r.Extra[name] = json.RawMessage(d.Text())
	}
	if d.Err() != nil {
		return statedb.Record{}, fmt.Errorf("%w %s: its stored form is cut off", statedb.ErrMalformed, id)
	}
	return r, nil
}

func list(d *store.Decoder) []string {
	n := d.Uvarint()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, min(n-1, uint64(len(d.Rest()))))
	for range n - 1 {
		if d.Err() != nil {
			return nil
		}
		list = append(list, d.Text())
	}
	return list
}
