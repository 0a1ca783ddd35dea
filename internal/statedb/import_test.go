package statedb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"sundog/internal/statedb"
)

// table remembers what is brought in, and answers one query: for all of it.
type table struct {
	records []statedb.Record
	calls   int
	err     error
}

func (d *table) PutMany(_ context.Context, records []statedb.Record, over statedb.Overwrite) ([]statedb.Brought, error) {
	if d.calls++; d.err != nil {
		return nil, d.err
	}
	d.records = append(d.records, records...)
	brought := make([]statedb.Brought, len(records))
	for i, r := range records {
		switch r.ID.ItemIDs {
		case "exists":
			brought[i] = over.Decide(&statedb.Record{StateUpdated: "FAILED_x"})
		case "held":
			brought[i] = over.Decide(&statedb.Record{StateUpdated: "CLAIMED_x"})
		}
	}
	return brought, nil
}

func (d *table) Query(_ context.Context, q statedb.Query) (statedb.Page, error) {
	if d.err != nil {
		return statedb.Page{}, d.err
	}
	return statedb.Page{Records: d.records}, nil
}

func item(id string) string {
	return fmt.Sprintf(`{"collections_workflow":{"S":"c_w"},"itemids":{"S":%q},"state_updated":{"S":"COMPLETED_2020"},"ttl":{"N":"5"}}`, id)
}

func TestImport(t *testing.T) {
	long := `{"x":"` + strings.Repeat("x", 5<<20) + `"}`
	for name, tt := range map[string]struct {
		source    string
		want      []string
		malformed []int64
		fails     string
	}{
		"nothing":             {source: ""},
		"blank lines":         {source: "\n\n" + item("a") + "\n\n  \n" + item("b"), want: []string{"a", "b"}},
		"an export to S3":     {source: `{"Item":` + item("a") + "}\n{\"Item\":" + item("b") + "}\n", want: []string{"a", "b"}},
		"a scan":              {source: "{\n \"Items\": [\n" + item("a") + ",\n" + item("b") + "],\n \"Count\": 2,\n \"ConsumedCapacity\": null\n}\n", want: []string{"a", "b"}},
		"a scan on one line":  {source: `{"Items":[` + item("a") + `],"Count":1}` + "\n" + `{"Items":[` + item("b") + `]}`, want: []string{"a", "b"}},
		"an empty scan":       {source: `{"Items":[]}`},
		"one that is broken":  {source: item("a") + "\n{\n" + item("b") + "\n" + item("") + "\n" + item("c"), want: []string{"a", "b", "c"}, malformed: []int64{2, 4}},
		"one without a state": {source: item("a") + "\n" + `{"collections_workflow":{"S":"c_w"},"itemids":{"S":"i"}}`, want: []string{"a"}, malformed: []int64{2}},
		"one that is long":    {source: item("a") + "\n" + long + "\n" + item("b"), want: []string{"a", "b"}, malformed: []int64{2}},
		"long at the front":   {source: long + "\n" + item("b"), fails: "no Items"},
		"another document":    {source: `{"Scan": []}`, malformed: []int64{1}},
		"spread out":          {source: "{\n\"Scan\": []}", fails: "no Items"},
		"Items that are none": {source: "{\n\"Items\": 5}", fails: "expected ["},
		"a list":              {source: "[\n]", fails: "expected {"},
		"a scan cut off":      {source: "{\n\"Items\": [" + item("a"), want: []string{"a"}, fails: "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			db := &table{}
			done, err := statedb.Import(t.Context(), db, strings.NewReader(tt.source), statedb.KeepExisting)
			if tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) || tt.fails == "" && err != nil {
				t.Fatalf("got %v, want %q", err, tt.fails)
			}
			var got []string
			for _, r := range db.records {
				got = append(got, r.ID.ItemIDs)
			}
			var malformed []int64
			for _, c := range done.Complaints {
				malformed = append(malformed, c.Number)
				if !errors.Is(c.Err, statedb.ErrMalformed) {
					t.Errorf("record %d: %v", c.Number, c.Err)
				}
			}
			if tt.fails == "" && !slices.Equal(got, tt.want) || !slices.Equal(malformed, tt.malformed) || int(done.Malformed) != len(malformed) || tt.fails == "" && int(done.Stored) != len(got) {
				t.Errorf("stored %v, malformed %v, %+v", got, malformed, done)
			}
		})
	}
}

func TestImportCounts(t *testing.T) {
	source := item("a") + "\n" + item("exists") + "\n" + item("held")
	for over, want := range map[statedb.Overwrite]statedb.Imported{
		statedb.KeepExisting: {Stored: 1, Existing: 1, Held: 1}, statedb.ReplaceExisting: {Stored: 2, Held: 1},
	} {
		done, err := statedb.Import(t.Context(), &table{}, strings.NewReader(source), over)
		if err != nil || done.Stored != want.Stored || done.Existing != want.Existing || done.Held != want.Held {
			t.Errorf("overwriting %v: %+v, %v", over, done, err)
		}
	}
}

// TestImportIsBounded makes sure that batches and complaints are.
func TestImportIsBounded(t *testing.T) {
	var source strings.Builder
	for n := range 2*statedb.MaxPut + 1 {
		source.WriteString(item(fmt.Sprint(n)) + "\n{}\n")
	}
	db := &table{}
	done, err := statedb.Import(t.Context(), db, strings.NewReader(source.String()), statedb.KeepExisting)
	if err != nil || db.calls != 3 || done.Stored != 2*statedb.MaxPut+1 || done.Malformed != 2*statedb.MaxPut+1 || len(done.Complaints) != statedb.MaxComplaints {
		t.Errorf("%d calls, stored %d, malformed %d, %d complaints, %v", db.calls, done.Stored, done.Malformed, len(done.Complaints), err)
	}
}

func TestImportFails(t *testing.T) {
	broken := errors.New("broken")
	if _, err := statedb.Import(t.Context(), &table{err: broken}, strings.NewReader(item("a")), statedb.KeepExisting); !errors.Is(err, broken) {
		t.Errorf("the database: %v", err)
	}
	source := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(item("a"))))
	if _, err := statedb.Import(t.Context(), &table{}, source, statedb.KeepExisting); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("the source: %v", err)
	}
}

// TestExport makes sure that what is exported is what was imported.
func TestExport(t *testing.T) {
	db := &table{}
	if _, err := statedb.Import(t.Context(), db, strings.NewReader(item("a")+"\n"+item("b")), statedb.KeepExisting); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, err := statedb.Export(t.Context(), db, statedb.Query{}, &out)
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if want := item([]string{"a", "b"}[i]); fmt.Sprint(members(t, line)) != fmt.Sprint(members(t, want)) {
			t.Errorf("line %d is %s, want %s", i, line, want)
		}
	}
	db.err = errors.New("broken")
	if _, err := statedb.Export(t.Context(), db, statedb.Query{}, &out); !errors.Is(err, db.err) {
		t.Errorf("the database: %v", err)
	}
}
