package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/internal/server"
)

// as is a client with another token.
func (r *running) as(token string) *client.Client {
	r.t.Helper()
	c, err := client.New(r.Server(), token)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// mint makes a token and returns its text.
func (r *running) mint(name, role string) string {
	r.t.Helper()
	made, err := r.CreateToken(r.t.Context(), api.CreateToken{Name: name, Role: role, Expires: "1d"})
	if err != nil || made.Role != role || made.Expires == nil {
		r.t.Fatalf("%+v %v", made, err)
	}
	return made.Secret
}

// ask sends a request and returns its status and its problem, if it is one.
func (r *running) ask(method, path, token, body string) (int, problem.Document) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.Server()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var doc problem.Document
	if resp.StatusCode >= 300 {
		if err := json.Unmarshal(text, &doc); err != nil {
			r.t.Fatalf("%s %s: %s", method, path, text)
		}
	}
	return resp.StatusCode, doc
}

// samples are a request for each operation that is not just looking, with the role that it needs. What it asks for need not exist.
var samples = []struct {
	method, path, body string
	role               access.Role
}{
	{"GET", api.PathHealth, "", access.Read},
	{"GET", api.PathRecords + "?collections_workflow=c_first", "", access.Read},
	{"GET", api.PathCirrus, "", access.Read},
	{"GET", api.PathMetrics, "", access.Read},
	{"GET", api.PathOpenAPI, "", access.Read},
	{"POST", api.PathPayloads, "{}", access.Operate},
	{"POST", api.PathExecutions, `{"workflow":"second"}`, access.Operate},
	{"POST", api.PathExecutions + "/arn/stop", "", access.Operate},
	{"POST", api.PathFunctions + "/echo/invoke", "1", access.Operate},
	{"POST", api.PathQueues + "/process/messages", `{"body":"x"}`, access.Operate},
	{"POST", api.PathQueues + "/reviews/receive", "", access.Operate},
	{"POST", api.PathQueues + "/reviews/delete", "", access.Operate},
	{"POST", api.PathQueues + "/process/redrive", "", access.Operate},
	{"POST", api.PathQueues + "/process/dead-letters/x/redrive", "", access.Operate},
	{"DELETE", api.PathQueues + "/process/dead-letters/x", "", access.Operate},
	{"POST", api.PathSchedules, `{}`, access.Operate},
	{"GET", api.PathSchedules, "", access.Read},
	{"GET", api.PathSchedules + "/none", "", access.Read},
	{"PUT", api.PathSchedules + "/none", "{}", access.Operate},
	{"DELETE", api.PathSchedules + "/none", "", access.Operate},
	{"POST", api.PathSchedules + "/none/pause", "", access.Operate},
	{"POST", api.PathSchedules + "/none/resume", "", access.Operate},
	{"POST", api.PathSchedules + "/none/fire", "", access.Operate},
	{"GET", api.PathSchedules + "/none/history", "", access.Read},
	{"GET", api.PathGivenUp, "", access.Read},
	{"GET", api.PathGivenUp + "/none.1", "", access.Read},
	{"DELETE", api.PathGivenUp + "/none.1", "", access.Operate},
	{"POST", api.PathGivenUp + "/none.1/redrive", "", access.Operate},
	{"POST", api.PathGivenUp + "/redrive", "", access.Operate},
	{"POST", api.PathDelayer, "{}", access.Operate},
	{"GET", api.PathTables + "/sundog-state/items", "", access.Read},
	{"PUT", api.PathTables + "/nothing/item", "{}", access.Operate},
	{"DELETE", api.PathTables + "/nothing/item?key={}", "", access.Operate},
	{"POST", api.PathTokens, `{"role":"none"}`, access.Administer},
	{"GET", api.PathTokens, "", access.Administer},
	{"DELETE", api.PathTokens + "/nobody", "", access.Administer},
}

func TestRoles(t *testing.T) {
	r := start(t, "secret")
	tokens := map[access.Role]string{}
	for _, role := range access.Roles() {
		tokens[role] = r.mint(role.String(), role.String())
	}
	for _, c := range samples {
		for role, token := range tokens {
			status, doc := r.ask(c.method, c.path, token, c.body)
			if refused := status == http.StatusForbidden; refused != (role < c.role) {
				t.Errorf("%s %s as %s: %d %+v", c.method, c.path, role, status, doc)
			} else if refused && (!strings.Contains(doc.Detail, c.role.String()) || doc.Hint == "") {
				t.Errorf("%s %s as %s: %+v", c.method, c.path, role, doc)
			}
		}
		if status, _ := r.ask(c.method, c.path, "", c.body); status != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d", c.method, c.path, status)
		}
	}
}

func TestTokensComeAndGo(t *testing.T) {
	r := start(t, "secret")
	text := r.mint("dashboard", "read")
	other := r.as(text)
	if _, err := other.Health(t.Context()); err != nil {
		t.Error(err)
	}
	all, err := r.Tokens(t.Context())
	if err != nil || len(all.Tokens) != 1 || all.Tokens[0].Secret != "" || all.Tokens[0].Creator != access.ActorServer {
		t.Errorf("%+v %v", all, err)
	}
	for what, req := range map[string]api.CreateToken{
		"conflict": {Name: "dashboard", Role: "read"},
		"invalid":  {Name: "a b", Role: "read"},
	} {
		if _, err := r.CreateToken(t.Context(), req); problem.KindOf(err).String() != what {
			t.Errorf("%+v gives %v", req, err)
		}
	}
	for _, expires := range []string{"never", "0d", "999999999d", "2020-01-01T00:00:00Z", "9999-12-31T00:00:00Z"} {
		if _, err := r.CreateToken(t.Context(), api.CreateToken{Name: "x", Role: "read", Expires: expires}); !problem.Is(err, problem.Invalid) {
			t.Errorf("expiring in %s gives %v", expires, err)
		}
	}
	if _, err := r.RevokeToken(t.Context(), "dashboard"); err != nil {
		t.Error(err)
	}
	if _, err := other.Health(t.Context()); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("revoked, it gives %v", err)
	}
	if _, err := r.RevokeToken(t.Context(), "dashboard"); !problem.Is(err, problem.NotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

// TestLoopbackIsOpenUntilThereIsAnAdministrator starts without a token, as at home.
func TestLoopbackIsOpenUntilThereIsAnAdministrator(t *testing.T) {
	r := start(t, "")
	reader := r.mint("reader", "read")
	if _, err := r.Tokens(t.Context()); err != nil {
		t.Errorf("a reader's token shuts others out: %v", err)
	}
	if _, err := r.as(reader).Tokens(t.Context()); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a reader may list tokens: %v", err)
	}
	if _, err := r.as("sundog_wrong_token").Health(t.Context()); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("a wrong token gives %v", err)
	}
	everywhere := server.Options{Listen: "0.0.0.0:0"}
	if _, err := server.Listen(t.Context(), r.platform, everywhere); !problem.Is(err, problem.Invalid) {
		t.Errorf("listening to everybody without an administrator gives %v", err)
	}
	boss := r.as(r.mint("boss", "administer"))
	if _, err := r.Health(t.Context()); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("with an administrator, somebody without a token gets %v", err)
	}
	if _, err := boss.Tokens(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNoSecretIsInTheDatabaseOrLog(t *testing.T) {
	r := start(t, "secret")
	text := r.mint("dashboard", "read")
	key := []byte(text[strings.LastIndex(text, "_")+1:])
	files := 0
	paths, err := filepath.Glob(filepath.Join(r.dir, "data", "db", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content := read(t, path)
		if files++; bytes.Contains(content, key) {
			t.Errorf("%s holds the key", path)
		}
	}
	if files == 0 || bytes.Contains(r.log.Bytes(), key) || !bytes.Contains(r.log.Bytes(), []byte("token=dashboard")) {
		t.Errorf("%d files; the log:\n%s", files, r.log.Bytes())
	}
}

func TestWhoAsksTooOftenIsTold(t *testing.T) {
	r := startWith(t, "secret", "limits: {requests_per_second: 1}\n")
	statuses := map[int]int{}
	for range 50 {
		status, doc := r.ask(http.MethodGet, api.PathHealth, "wrong", "")
		if statuses[status]++; status == http.StatusTooManyRequests && (doc.Type != "urn:sundog:problem:limit" || doc.Hint == "") {
			t.Errorf("%+v", doc)
		}
	}
	if statuses[http.StatusUnauthorized] < 2 || statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("wrong tokens: %v", statuses)
	}
	for n := range 100 {
		resp := r.get(t.Context(), api.PathHealth, http.Header{"Authorization": {"Bearer secret"}})
		if resp.StatusCode == http.StatusTooManyRequests {
			if n < 2 || resp.Header.Get("Retry-After") != "1" {
				t.Errorf("request %d of somebody else: %s, Retry-After %q", n, resp.Status, resp.Header.Get("Retry-After"))
			}
			return
		}
	}
	t.Error("100 requests at once were answered")
}
