package statedb_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sundog/internal/statedb"
	"sundog/payload"
)

func TestErrorShape(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                                                    {"", ""},
		"plain words":                                         {"", "plain words"},
		"ValueError: bad input":                               {"ValueError", "bad input"},
		"a.b.InvalidInput: no assets":                         {"a.b.InvalidInput", "no assets"},
		"two words: message":                                  {"", "two words: message"},
		"E: band B02 of S2A_T07HFE_2023":                      {"E", "band <id> of <id>"},
		"E: took 12.5 s, -3 left":                             {"E", "took <n> s, <n> left"},
		"E: at 2026-03-01T12:00:00.5Z":                        {"E", "at <time>"},
		"E: on 2026-03-01.":                                   {"E", "on <time>."},
		"E: no /data/in/x.tif here":                           {"E", "no <path> here"},
		"E: get s3://b/k.json (404)":                          {"E", "get <url> (<n>)"},
		"E: https://x.y/z?a=1: refused":                       {"E", "<url> refused"},
		"E: arn:aws:s3:::b is gone":                           {"E", "<arn> is gone"},
		"E: 0f8fad5b-d9cb-469f-a165-70867728950e not found":   {"E", "<uuid> not found"},
		"E: sha 9f86d081884c7d65 differs":                     {"E", "sha <hash> differs"},
		"E: first line\nTraceback (most recent call last): 5": {"E", "first line"},
		"Kern: Fehler ß in Datei":                             {"Kern", "Fehler ß in Datei"},
	} {
		if kind, shape := statedb.ErrorShape(text); [2]string{kind, shape} != want {
			t.Errorf("%q: %q, %q; want %q", text, kind, shape, want)
		}
	}
	if _, shape := statedb.ErrorShape(strings.Repeat("ß ", 1000)); len(shape) > 320 || !utf8.ValidString(shape) {
		t.Errorf("a long one: %d bytes, %q", len(shape), shape)
	}
}

func FuzzErrorShape(f *testing.F) {
	f.Add("ValueError: band B02 of s3://b/k at 2026-03-01T12:00:00Z, /a/b, 12.5")
	f.Add("E: \xff\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		kind, shape := statedb.ErrorShape(text)
		if len(kind) > len(text) || strings.ContainsAny(shape, "\r\n") || len(shape) > 2000 {
			t.Errorf("%q: %q, %q", text, kind, shape)
		}
	})
}

func failed(n int, state statedb.State, text string) statedb.Record {
	at := statedb.FormatTime(time.Date(2026, 3, 1, 0, 0, n, 0, time.UTC))
	return statedb.Record{
		ID: payload.ID{Collections: "c", Workflow: "w", ItemIDs: fmt.Sprint(n)}, StateUpdated: string(state) + "_" + at, Updated: at, LastError: &text,
	}
}

func TestCountErrors(t *testing.T) {
	byState := map[statedb.State][]statedb.Record{
		statedb.Failed:  {failed(9, statedb.Failed, "E: item 9"), failed(8, statedb.Failed, "Other: x"), failed(7, statedb.Failed, "E: item 7"), failed(6, statedb.Failed, "")},
		statedb.Invalid: {failed(5, statedb.Invalid, "E: item 5"), failed(4, statedb.Invalid, "Third: y")},
	}
	db := querier(func(q statedb.Query) (statedb.Page, error) { return statedb.Page{Records: byState[q.State]}, nil })
	all, err := statedb.CountErrors(t.Context(), db, statedb.ErrorQuery{})
	if err != nil || !all.Complete || all.Records != 5 || all.Other != 0 || len(all.Groups) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	if g := all.Groups[0]; g.Type != "E" || g.Shape != "item <n>" || g.Records != 3 || g.First != byState[statedb.Invalid][0].Updated || g.Example.ID.ItemIDs != "9" {
		t.Errorf("the largest group: %+v", g)
	}
	if types := []string{all.Groups[1].Type, all.Groups[2].Type}; !slices.Equal(types, []string{"Other", "Third"}) {
		t.Errorf("then %v", types)
	}
	some, err := statedb.CountErrors(t.Context(), db, statedb.ErrorQuery{Records: 2})
	if err != nil || some.Complete || some.Records != 2 {
		t.Errorf("two records: %+v, %v", some, err)
	}
	invalid, err := statedb.CountErrors(t.Context(), db, statedb.ErrorQuery{Query: statedb.Query{State: statedb.Invalid}})
	if err != nil || invalid.Records != 2 {
		t.Errorf("of one state: %+v, %v", invalid, err)
	}
	if _, err := statedb.CountErrors(t.Context(), db, statedb.ErrorQuery{Records: -1}); !errors.Is(err, statedb.ErrInvalidQuery) {
		t.Errorf("a negative bound: %v", err)
	}
}

// TestCountErrorsIsBounded has more kinds of errors than are kept apart.
func TestCountErrorsIsBounded(t *testing.T) {
	var records []statedb.Record
	for n := range 1500 {
		records = append(records, failed(n, statedb.Failed, strings.Repeat("x", n/26+1)+string(rune('a'+n%26))+": m"))
	}
	db := querier(func(q statedb.Query) (statedb.Page, error) {
		if q.State != statedb.Failed {
			return statedb.Page{}, nil
		}
		return statedb.Page{Records: records}, nil
	})
	got, err := statedb.CountErrors(t.Context(), db, statedb.ErrorQuery{})
	if err != nil || len(got.Groups) != 1000 || got.Records != 1500 || got.Other != 500 {
		t.Errorf("%d groups, %d records, %d others, %v", len(got.Groups), got.Records, got.Other, err)
	}
}
