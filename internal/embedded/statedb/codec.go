package statedb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

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
	d := decoder{rest: value}
	if version := d.byte(); version != codecVersion {
		return statedb.Record{}, fmt.Errorf("%w %s: stored in version %d, this program reads %d", statedb.ErrMalformed, id, version, codecVersion)
	}
	r := statedb.Record{ID: id}
	r.StateUpdated, r.Created, r.Updated, r.ClaimedAt = d.text(), d.text(), d.text(), d.text()
	r.Executions = d.list()
	if n := d.number(); n > 0 {
		text := d.take(n - 1)
		r.LastError = &text
	}
	r.Outputs = d.list()
	for len(d.rest) > 0 && !d.bad {
		if r.Extra == nil {
			r.Extra = map[string]json.RawMessage{}
		}
		name := d.text()
		r.Extra[name] = json.RawMessage(d.text())
	}
	if d.bad {
		return statedb.Record{}, fmt.Errorf("%w %s: its stored form is cut off", statedb.ErrMalformed, id)
	}
	return r, nil
}

type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return ""
	}
	text := string(d.rest[:n])
	d.rest = d.rest[n:]
	return text
}

func (d *decoder) text() string { return d.take(d.number()) }

func (d *decoder) list() []string {
	n := d.number()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, min(n-1, uint64(len(d.rest))))
	for range n - 1 {
		if d.bad {
			return nil
		}
		list = append(list, d.text())
	}
	return list
}
