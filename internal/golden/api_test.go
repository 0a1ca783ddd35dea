package golden_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"sundog/internal/cirrusapi"
	"sundog/internal/event"
	"sundog/internal/golden"
	"sundog/internal/statedb"
)

// TestGoldenAPI runs the requests to the HTTP API, and how events become the numbers of a dashboard.
func TestGoldenAPI(t *testing.T) {
	onEach(t, func(t *testing.T, on platform) {
		golden.Run(t, "m_api_scenarios.json", func(t *testing.T, c golden.Case) golden.Outcome { return on.checkAPI(t, c) })
	})
	t.Run("p6_filter_for_dashboard.json", func(t *testing.T) { golden.Run(t, "p6_filter_for_dashboard.json", checkDashboard) })
}

type apiStep struct {
	Op     string            `json:"op"`
	Items  []json.RawMessage `json:"items"`
	Bucket string            `json:"bucket"`
	Key    string            `json:"key"`
	Body   string            `json:"body"`
	Event  struct {
		Path    string `json:"path"`
		Context struct {
			DomainName string `json:"domainName"`
			Path       string `json:"path"`
		} `json:"requestContext"`
		Query map[string]string `json:"queryStringParameters"`
	} `json:"event"`
}

type apiAnswer struct {
	Return *struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	} `json:"return"`
	Error *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
}

// checkAPI asks what a case asks. The case is set aside with the fault of its first answer that shows one.
func (on platform) checkAPI(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Env   map[string]*string `json:"env_overrides"`
		Steps []apiStep          `json:"steps"`
	}
	golden.Into(t, c.Input, &in)
	var out struct {
		Steps []apiAnswer `json:"steps"`
	}
	golden.Into(t, c.Output, &out)
	w, err := on.newWorld(t, in.Env, injection{})
	if err != nil {
		return golden.Failed("%v", err)
	}
	api := &cirrusapi.API{Records: w.db, Layout: w.layout, Catalog: func(context.Context) ([]byte, string, error) {
		return w.buckets["data"]["catalog.json"].body, "s3://data/catalog.json", nil
	}}
	result := golden.Passed()
	for i, step := range in.Steps {
		switch step.Op {
		case "seed_db":
			for _, item := range step.Items {
				var r statedb.Record
				golden.Into(t, item, &r)
				if err := w.db.Put(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
		case "seed_s3":
			w.buckets[step.Bucket][step.Key] = object{body: []byte(step.Body)}
		case "api":
			outcome := judgeAPI(t, api, step, out.Steps[i], in.Env)
			if outcome.Problem != "" {
				return golden.Failed("step %d, %s %v: %s", i, step.Event.Path, step.Event.Query, outcome.Problem)
			}
			if result.Fault == 0 {
				result = outcome
			}
		default:
			return golden.Failed("unknown step %s", step.Op)
		}
	}
	return result
}

// judgeAPI asks one question and compares the answer.
func judgeAPI(t *testing.T, api *cirrusapi.API, step apiStep, want apiAnswer, env map[string]*string) golden.Outcome {
	r := cirrusapi.Request{Path: strings.TrimPrefix(step.Event.Path, step.Event.Context.Path), Query: url.Values{}}
	if domain := step.Event.Context.DomainName; domain != "" {
		r.Root = "https://" + domain + step.Event.Context.Path + "/"
	}
	for name, value := range step.Event.Query {
		r.Query.Set(name, value)
	}
	got, err := api.Answer(t.Context(), r)
	if err != nil {
		return golden.Failed("%v", err)
	}
	if want.Error != nil { // the original gives up, which API Gateway makes a 502
		if got.Status == http.StatusOK && want.Error.Type != "NoSuchKey" && want.Error.Type != "KeyError" { // of the catalog: we do without it
			return golden.Failed("%d %s; the original fails with %s: %s", got.Status, got.Body, want.Error.Type, want.Error.Message)
		}
		return golden.SetAside(19)
	}
	if got.Status == want.Return.StatusCode {
		return sameAnswer(t, api, r, got, []byte(want.Return.Body), env)
	}
	switch {
	case want.Return.StatusCode == http.StatusBadRequest && got.Status == http.StatusNotFound:
		return golden.SetAside(19)
	case got.Status == http.StatusBadRequest && strings.Contains(r.Path, "/workflow-") && strings.Contains(r.Path[strings.LastIndex(r.Path, "/workflow-"):], "_"):
		return golden.SetAside(4)
	case got.Status == http.StatusBadRequest && strings.HasPrefix(r.Query.Get("limit"), "-"):
		return golden.SetAside(19)
	}
	return golden.Failed("%d %s; want %d %s", got.Status, got.Body, want.Return.StatusCode, want.Return.Body)
}

// sameAnswer compares bodies. Ours has the key of the next page, which is followed to the end.
func sameAnswer(t *testing.T, api *cirrusapi.API, r cirrusapi.Request, got cirrusapi.Response, want []byte, env map[string]*string) golden.Outcome {
	if next := gjson.GetBytes(got.Body, "nextkey").String(); next != "" {
		without, err := sjson.DeleteBytes(got.Body, "nextkey")
		if err != nil || !golden.SameJSON(without, want) {
			return golden.Failed("%s\nwant %s", without, want)
		}
		if problem := restFollows(t, api, r, got, next); problem != "" {
			return golden.Failed("%s", problem)
		}
		return golden.SetAside(19)
	}
	if golden.SameJSON(got.Body, want) {
		return golden.Passed()
	}
	if region := env["AWS_REGION"]; region != nil {
		ours := strings.ReplaceAll(string(got.Body), "us-east-1.console", *region+".console")
		ours = strings.ReplaceAll(ours, "region=us-east-1", "region="+*region)
		if golden.SameJSON([]byte(ours), want) {
			return golden.SetAside(18)
		}
	}
	return golden.Failed("%s\nwant %s", got.Body, want)
}

// restFollows turns the pages after the first, and says what is wrong if they and the first are not what one page without a limit has.
func restFollows(t *testing.T, api *cirrusapi.API, r cirrusapi.Request, first cirrusapi.Response, next string) string {
	ids := func(body []byte) (all []string) {
		for _, id := range gjson.GetBytes(body, "items.#.payload_id").Array() {
			all = append(all, id.String())
		}
		return all
	}
	ask := func(name, value string) []byte {
		query := maps.Clone(r.Query)
		query.Set(name, value)
		answer, err := api.Answer(t.Context(), cirrusapi.Request{Path: r.Path, Root: r.Root, Query: query})
		if err != nil || answer.Status != http.StatusOK {
			t.Fatalf("%s %v: %d %s, %v", r.Path, query, answer.Status, answer.Body, err)
		}
		return answer.Body
	}
	pages := ids(first.Body)
	for next != "" {
		body := ask("nextkey", next)
		pages, next = append(pages, ids(body)...), gjson.GetBytes(body, "nextkey").String()
	}
	if whole := ids(ask("limit", strconv.Itoa(statedb.MaxLimit))); !slices.Equal(pages, whole) {
		return fmt.Sprintf("pages have %v, the whole has %v", pages, whole)
	}
	return ""
}

// checkDashboard turns counts of events into counts of states.
func checkDashboard(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Data []struct {
			Events map[event.Type]int64 `json:"events"`
		} `json:"data"`
	}
	golden.Into(t, c.Input, &in)
	var out []struct {
		States []struct {
			State       statedb.State `json:"state"`
			UniqueCount int64         `json:"unique_count"`
			Count       int64         `json:"count"`
		} `json:"states"`
	}
	golden.Into(t, c.Output, &out)
	if len(out) != len(in.Data) {
		return golden.Failed("%d periods of %d", len(out), len(in.Data))
	}
	fault := 0
	for i, period := range in.Data {
		ours, theirs := map[statedb.State]int64{}, map[statedb.State]int64{}
		for typ, n := range period.Events {
			if state := statedb.StateOf(typ); state != "" {
				ours[state] += n
			}
		}
		for _, s := range out[i].States {
			if s.UniqueCount != s.Count {
				return golden.Failed("unique count %d, count %d", s.UniqueCount, s.Count)
			}
			theirs[s.State] += s.Count
		}
		if n, ok := period.Events[event.TimedOut]; ok {
			fault = 22 // the original counts a time-out nowhere here
			theirs[statedb.Failed] += n
		}
		for _, state := range statedb.States() {
			if ours[state] != theirs[state] {
				return golden.Failed("%v, want %v", ours, theirs)
			}
		}
	}
	if fault != 0 {
		return golden.SetAside(fault)
	}
	return golden.Passed()
}
