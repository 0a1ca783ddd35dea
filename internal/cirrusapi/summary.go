package cirrusapi

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"sundog/internal/statedb"
	"sundog/payload"
)

// link is a link of the root.
type link struct {
	Title string  `json:"title"`
	Rel   string  `json:"rel"`
	Type  string  `json:"type"`
	Href  *string `json:"href"`
}

func newLink(title, rel, href string) link {
	return link{Title: title, Rel: rel, Type: "application/json", Href: &href}
}

// home is the answer at the root.
type home struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Links       []link `json:"links"`
}

// root links to each workflow: those that the catalog names and, where it names none, those that there are records of.
func (a *API) root(ctx context.Context, root string) (any, error) {
	var text []byte
	var location string
	if a.Catalog != nil {
		var err error
		if text, location, err = a.Catalog(ctx); err != nil {
			return nil, fmt.Errorf("reading the root of the catalog: %w", err)
		}
	}
	catalog := gjson.ParseBytes(text)
	answer := home{ID: catalog.Get("id").String(), Description: catalog.Get("description").String()}
	if answer.ID == "" {
		answer.ID = "sundog"
	}
	if answer.Description == "" {
		answer.Description = "Sundog"
	}
	answer.ID += "-state-api"
	answer.Description += " State API"
	self := link{Title: "home", Rel: "self", Type: "application/json"}
	if root != "" {
		self.Href = &root
	}
	answer.Links = append(answer.Links, self)
	workflows, err := a.workflows(ctx, catalog)
	if err != nil {
		return nil, err
	}
	for _, w := range workflows {
		answer.Links = append(answer.Links, newLink(w.collections+" - "+w.name, "child", root+w.collections+workflowMark+w.name))
	}
	if text != nil {
		answer.Links = append(answer.Links, newLink("STAC", "stac", location))
	}
	return answer, nil
}

type workflow struct{ collections, name string }

func (a *API) workflows(ctx context.Context, catalog gjson.Result) ([]workflow, error) {
	var all []workflow
	if cirrus := catalog.Get("cirrus"); cirrus.Exists() {
		cirrus.Get("workflows").ForEach(func(collections, names gjson.Result) bool {
			names.ForEach(func(_, name gjson.Result) bool {
				all = append(all, workflow{collections.String(), name.String()})
				return true
			})
			return true
		})
		return all, nil
	}
	counts, err := a.Records.Counts(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("counting records: %w", err)
	}
	partitions := map[string]bool{}
	for _, c := range counts {
		partitions[c.Partition] = true
	}
	for _, partition := range slices.Sorted(maps.Keys(partitions)) {
		if collections, name, err := payload.CutPartitionKey(partition); err == nil {
			all = append(all, workflow{collections, name})
		}
	}
	return all, nil
}

// counts are the numbers of records by state. A value is a number, or a limit and a plus when there are more.
type counts struct {
	Processing any `json:"PROCESSING"`
	Succeeded  any `json:"SUCCEEDED"`
	Failed     any `json:"FAILED"`
	Invalid    any `json:"INVALID"`
	Aborted    any `json:"ABORTED"`
	Claimed    any `json:"CLAIMED"`
}

type summary struct {
	Collections string `json:"collections"`
	Workflow    string `json:"workflow"`
	Counts      counts `json:"counts"`
}

func (a *API) summary(ctx context.Context, collections, workflow string, p parameters) (any, error) {
	partition := payload.PartitionKey(collections, workflow)
	numbers := map[statedb.State]int64{}
	if p.since.IsZero() {
		all, err := a.Records.Counts(ctx, partition)
		if err != nil {
			return nil, fmt.Errorf("counting records: %w", err)
		}
		for _, c := range all {
			numbers[c.State] += c.Records
		}
	} else if err := a.countSince(ctx, partition, p, numbers); err != nil {
		return nil, err
	}
	numbers[statedb.Succeeded] += numbers[statedb.Completed]
	number := func(state statedb.State) any {
		if n := numbers[state]; p.limit == nil || *p.limit == 0 || n <= int64(*p.limit) {
			return n
		}
		return fmt.Sprintf("%d+", *p.limit)
	}
	return summary{Collections: collections, Workflow: workflow, Counts: counts{
		Processing: number(statedb.Processing), Succeeded: number(statedb.Succeeded), Failed: number(statedb.Failed),
		Invalid: number(statedb.Invalid), Aborted: number(statedb.Aborted), Claimed: number(statedb.Claimed),
	}}, nil
}

// countSince counts what changed since a time, which no counter knows: by reading pages, one more than the limit at most.
func (a *API) countSince(ctx context.Context, partition string, p parameters, numbers map[statedb.State]int64) error {
	for _, state := range statedb.States() {
		q := statedb.Query{Partition: partition, State: state, Since: p.since, Limit: statedb.MaxLimit}
		for {
			page, err := a.Records.Query(ctx, q)
			if err != nil {
				return fmt.Errorf("counting records: %w", err)
			}
			numbers[state] += int64(len(page.Records))
			if q.After = page.Next; q.After == "" || p.limit != nil && *p.limit > 0 && numbers[state] > int64(*p.limit) {
				break
			}
		}
	}
	return nil
}
