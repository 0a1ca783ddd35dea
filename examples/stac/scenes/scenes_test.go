package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const scene = `{"id":"a","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]},"bbox":[0,0,1,1],
	"properties":{"datetime":"2020-01-01T00:00:00Z","eo:cloud_cover":12.50,"proj:shape":[1024,513]},
	"links":[{"rel":"self","href":"https://example.com/a.json"}],"assets":{"red":{},"nir":{"proj:shape":[512,512]}}}`

func payloadOf(item string) string {
	return `{"type":"FeatureCollection","id":"i","x":1.50,"process":[{"workflow":"ingest","tasks":{"inspect":{"ready_on_attempt":1}}}],"features":[` + item + `]}`
}

func TestInspect(t *testing.T) {
	for _, tt := range []struct {
		name, attempt, old, new string
		want                    string // the error; "" for none
	}{
		{"good", "1", "", "", ""},
		{"not ready", "0", "", "", "SourceNotReady: the files of the scene have not arrived at attempt 0"},
		{"cloud cover", "1", "12.50", "140", `stactask.exceptions.InvalidInput: item "a": eo:cloud_cover: 140 is not between 0 and 100`},
		{"datetime", "1", "2020-01-01T", "", `stactask.exceptions.InvalidInput: item "a": datetime: parsing time "00:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse "00:00:00Z" as "2006"`},
		{"open ring", "1", ",[0,0]]", "]", `stactask.exceptions.InvalidInput: item "a": geometry: a ring is not closed`},
		{"box", "1", "[0,0,1,1]", "[0,0,0.5,1]", `stactask.exceptions.InvalidInput: item "a": bbox: does not contain the corner [1 0] of the geometry`},
		{"point", "1", "Polygon", "Point", `stactask.exceptions.InvalidInput: item "a": geometry: "Point" is not Polygon or MultiPolygon`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			event := `{"attempt":` + tt.attempt + `,"payload":` + payloadOf(strings.Replace(scene, tt.old, tt.new, 1)) + `}`
			out, err := inspect([]byte(event))
			if tt.want != "" {
				if err == nil || err.Error() != tt.want {
					t.Errorf("got  %v\nwant %s", err, tt.want)
				}
				return
			}
			if err != nil || !strings.Contains(string(out), `"x":1.50`) || !strings.Contains(string(out), `"eo:cloud_cover":12.50`) {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	input, output := filepath.Join(t.TempDir(), "in.json"), filepath.Join(t.TempDir(), "out.json")
	if err := os.WriteFile(input, []byte(payloadOf(scene)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"plan", input, output}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	// red: 2x2, then 512x257 is one tile; nir: one tile.
	if !strings.Contains(string(raw), `"example:tiles":6`) || !strings.Contains(string(raw), `"eo:cloud_cover":12.50`) {
		t.Errorf("got %s", raw)
	}
	if err := run([]string{"plan", filepath.Join(t.TempDir(), "absent"), output}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent input: %v", err)
	}
}

func TestSummarise(t *testing.T) {
	out, err := summarise([]byte(payloadOf(scene)))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID       string
		Features []struct {
			ID, Collection string
			Properties     struct {
				Area  float64 `json:"example:area_km2"`
				Class string  `json:"example:cloud_class"`
			}
			Links []struct{ Rel, Href string }
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	f := got.Features[0]
	// A degree by a degree at the equator is 12,364 km² on the sphere.
	if got.ID != "i" || f.ID != "a-summary" || f.Collection != "" || f.Properties.Area != 12364 || f.Properties.Class != "partly cloudy" ||
		len(f.Links) != 1 || f.Links[0].Rel != "derived_from" || f.Links[0].Href != "https://example.com/a.json" {
		t.Errorf("got %+v", got)
	}
}

// TestServe plays the Runtime API: two events, then it hangs up.
func TestServe(t *testing.T) {
	var reports []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, _ *http.Request) {
		switch len(reports) {
		case 0:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "good")
			_, _ = io.WriteString(w, payloadOf(scene))
		case 1:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "bad")
			_, _ = io.WriteString(w, "[]")
		default:
			w.WriteHeader(http.StatusGone)
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports = append(reports, r.PathValue("id")+" "+r.PathValue("kind")+" "+string(body))
		w.WriteHeader(http.StatusAccepted)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	if err := serve(strings.TrimPrefix(server.URL, "http://"), summarise); err == nil || !strings.Contains(err.Error(), "410 Gone") {
		t.Errorf("ended with %v", err)
	}
	if len(reports) != 2 || !strings.HasPrefix(reports[0], `good response {"features":[{`) ||
		!strings.HasPrefix(reports[1], `bad error {"errorMessage":"event: `) || !strings.HasSuffix(reports[1], `"errorType":"stactask.exceptions.InvalidInput"}`) {
		t.Errorf("reported %q", reports)
	}
}
