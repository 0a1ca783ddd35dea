package awstest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// parametersPage is how many parameters SSM gives on a page of GetParametersByPath when it is not asked for less (API Reference).
const parametersPage = 10

// Parameters answers as the parameter store of SSM does to GetParameter and GetParametersByPath (AWS Systems Manager API Reference), and
// returns its URL. A value that begins with "secret:" is a SecureString: it is given without these words to who asks for decryption, and
// otherwise as something else.
func Parameters(t testing.TB, values map[string]string) (url string) {
	t.Helper()
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		var in struct {
			Name, Path, NextToken     string
			WithDecryption, Recursive bool
		}
		if err != nil || json.Unmarshal(text, &in) != nil {
			t.Errorf("SSM was sent %s (%v)", text, err)
		}
		parameter := func(name string) map[string]string {
			p := map[string]string{"Name": name, "Type": "String", "Value": values[name]}
			if plain, secret := strings.CutPrefix(values[name], "secret:"); secret {
				p["Type"], p["Value"] = "SecureString", "AQICAHh"
				if in.WithDecryption {
					p["Value"] = plain
				}
			}
			return p
		}
		var answer any
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch target := r.Header.Get("X-Amz-Target"); target {
		case "AmazonSSM.GetParameter":
			if _, there := values[in.Name]; !there {
				w.WriteHeader(http.StatusBadRequest)
				answer = map[string]string{"__type": "ParameterNotFound"}
				break
			}
			answer = map[string]any{"Parameter": parameter(in.Name)}
		case "AmazonSSM.GetParametersByPath":
			from, _ := strconv.Atoi(in.NextToken)
			page := map[string]any{}
			found := []map[string]string{}
			for i, name := range names {
				if i < from || !strings.HasPrefix(name, in.Path) {
					continue
				}
				if len(found) == parametersPage {
					page["NextToken"] = strconv.Itoa(i)
					break
				}
				found = append(found, parameter(name))
			}
			page["Parameters"] = found
			answer = page
		default:
			t.Errorf("SSM was asked for %q", target)
			w.WriteHeader(http.StatusBadRequest)
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
