package golden_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sundog/internal/cirrusapi"
	"sundog/internal/event"
	"sundog/internal/golden"
	"sundog/internal/statedb"
)

// TestGoldenAPI runs the requests to the HTTP API, and how events become the numbers of a dashboard.
func TestGoldenAPI(t *testing.T) {
	t.Run("m_api_scenarios.json", func(t *testing.T) { golden.Run(t, "m_api_scenarios.json", checkAPI) })
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
func checkAPI(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Env   map[string]*string `json:"env_overrides"`
		Steps []apiStep          `json:"steps"`
	}
	golden.Into(t, c.Input, &in)
	var out struct {
		Steps []apiAnswer `json:"steps"`
	}
	golden.Into(t, c.Output, &out)
	w, err := newWorld(t, in.Env, injection{})
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
		return sameAnswer(got, []byte(want.Return.Body), api, env)
	}
	switch {
	case want.Return.StatusCode == http.StatusBadRequest && got.Status == http.StatusNotFound:
		return golden.SetAside(19)
	case got.Status == http.StatusBadRequest && strings.Contains(r.Path, "/workflow-") && strings.Contains(r.Path[strings.LastIndex(r.Path, "/workflow-"):], "_"):
		return golden.SetAside(4)
	case got.Status == http.StatusBadRequest && strings.HasPrefix(r.Query.Get("limit"), "-"):
		return golden.SetAside(19)
	case got.Status == http.StatusBadRequest && foreignKey(r):
		return golden.SetAside(23) // a place in another partition is no place in this one
	}
	return golden.Failed("%d %s; want %d %s", got.Status, got.Body, want.Return.StatusCode, want.Return.Body)
}

func foreignKey(r cirrusapi.Request) bool {
	key := r.Query.Get("nextkey")
	return key != "" && !strings.HasPrefix(key, strings.TrimSuffix(strings.Trim(r.Path, "/"), "items"))
}

// sameAnswer compares bodies. Ours has the key of the next page, which is checked by following it.
func sameAnswer(got cirrusapi.Response, want []byte, api *cirrusapi.API, env map[string]*string) golden.Outcome {
	var page struct {
		NextKey string            `json:"nextkey"`
		Items   []json.RawMessage `json:"items"`
	}
	if json.Unmarshal(got.Body, &page) == nil && page.NextKey != "" {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(got.Body, &members); err != nil {
			return golden.Failed("%v", err)
		}
		delete(members, "nextkey")
		without, err := json.Marshal(members)
		if err != nil || !golden.SameJSON(without, want) {
			return golden.Failed("%s\nwant %s", without, want)
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
