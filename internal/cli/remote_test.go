package cli_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sundog/internal/cli"
	"sundog/internal/deployment"
	"sundog/internal/problem"
)

// cloud is AWS with one deployment, prod, that answers as the fake server does.
type cloud struct {
	t       *testing.T
	file    string
	env     map[string]string
	asked   []deployment.AWS
	opened  int
	listing error
}

func (c *cloud) open(_ context.Context, at deployment.AWS) (*cli.Remote, error) {
	c.asked = append(c.asked, at)
	switch at.Name {
	case "prod":
	case "locked":
		return nil, problem.New(problem.Forbidden, "access was denied").WithHint("ask somebody")
	default:
		return nil, problem.New(problem.NotFound, "the parameter store has no deployment of this name: %s", at.Name)
	}
	c.opened++
	return &cli.Remote{
		Handler: newFake(), Variables: map[string]string{"CIRRUS_PREFIX": "prod-", "KEY": "s3cr3t"},
		Secret: func(name string) bool { return name == "KEY" },
		Environment: func(context.Context) ([]string, error) {
			return []string{"CIRRUS_PREFIX=prod-", "AWS_REGION=" + at.Region}, nil
		},
		Close: func() error {
			c.opened--
			return nil
		},
	}, nil
}

func (c *cloud) list(_ context.Context, at deployment.AWS) ([]string, error) {
	c.asked = append(c.asked, at)
	return []string{"prod", "staging"}, c.listing
}

// run runs a command and returns its exit code and what it printed.
func (c *cloud) run(input string, args ...string) (code int, out, complaints string) {
	c.t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(c.t.Context(), args, cli.Streams{In: strings.NewReader(input), Out: &o, Err: &e}, cli.Deps{
		OpenAWS: c.open, ListAWS: c.list,
		Getenv: func(name string) string {
			if name == deployment.FileVariable {
				return c.file
			}
			return c.env[name]
		},
	})
	if c.opened != 0 {
		c.t.Errorf("%v leaves the deployment open", args)
	}
	return code, o.String(), e.String()
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	return &cloud{t: t, file: filepath.Join(t.TempDir(), "deployments.yaml"), env: map[string]string{}}
}

// TestAWS is what commands do on a deployment on AWS: what they do on a server.
func TestAWS(t *testing.T) {
	c := newCloud(t)
	c.env["AWS_REGION"] = "us-west-2"
	for _, tt := range []struct {
		input string
		args  []string
		code  int
		want  string // in the output, or else in the complaints
	}{
		{"", []string{"manage", "prod", "get-state", "sentinel-2-l2a/workflow-ingest/S2A_1"}, 0, `"state":"SUCCEEDED"`},
		{"", []string{"manage", "prod", "get-state", "c/workflow-none/1"}, 3, "there is no record of c/workflow-none/1"},
		{"", []string{"manage", "prod", "show"}, 0, `"environment":{"CIRRUS_PREFIX":"prod-","KEY":"(encrypted in the parameter store)"}`},
		{"", []string{"manage", "prod", "query", "--collections-workflow", "sentinel-2-l2a_ingest", "--limit", "0"}, 0, "S2A_3"},
		{one("1"), []string{"manage", "prod", "process"}, 0, "c/workflow-ok/1"},
		{"$CIRRUS_PREFIX$a$b", []string{"manage", "prod", "template-payload", "--var", "a=1", "--var", "b=2"}, 0, "prod-12"},
		{"$KEY", []string{"manage", "prod", "template-payload"}, 0, "s3cr3t"},
		{"$CIRRUS_PREFIX", []string{"manage", "prod", "template-payload", "--var", "CIRRUS_PREFIX=mine"}, 0, "mine"},
		{"", []string{"manage", "prod", "--region", "eu-central-1", "exec", "sh", "-c", "echo $CIRRUS_PREFIX $AWS_REGION"}, 0, "prod- eu-central-1"},
		{"", []string{"manage", "prod", "serve"}, 2, "serve is not done on a deployment"},
		{"", []string{"manage", "gone", "stats"}, 3, `there is no deployment of this name: "gone"`},
		{"", []string{"manage", "gone", "stats"}, 3, "the parameter store has no deployment of this name: gone"},
		{"", []string{"manage", "locked", "stats"}, 6, "access was denied"},
	} {
		code, out, complaints := c.run(tt.input, tt.args...)
		if code != tt.code || !strings.Contains(out+complaints, tt.want) {
			t.Errorf("%v ended with %d: %s%s, want %d: %s", tt.args, code, out, complaints, tt.code, tt.want)
		}
	}
}

// TestAWSNames gives deployments on AWS names, with credentials that flags go before.
func TestAWSNames(t *testing.T) {
	c := newCloud(t)
	role := "arn:aws:iam::123456789012:role/operator"
	ok := func(args ...string) (string, string) {
		t.Helper()
		code, out, complaints := c.run("", args...)
		if code != 0 {
			t.Fatalf("%v ended with %d: %s", args, code, complaints)
		}
		return out, complaints
	}
	if _, said := ok("deployments", "add", "live", "--aws", "--name", "prod", "--profile", "ops", "--region", "us-west-2", "--role", role); !strings.Contains(said, "AWS us-west-2 as prod profile ops role "+role) {
		t.Errorf("%s", said)
	}
	ok("deployments", "add", "prod", "--aws")
	ok("manage", "live", "stats")
	ok("manage", "--profile", "me", "live", "stats", "--iam-arn", role+"2")
	ok("manage", "prod", "stats")
	want := []deployment.AWS{
		{Name: "prod", Profile: "ops", Region: "us-west-2", Role: role}, {Name: "prod", Profile: "me", Region: "us-west-2", Role: role + "2"}, {Name: "prod"},
	}
	if !slices.Equal(c.asked, want) {
		t.Errorf("%+v", c.asked)
	}
	c.asked = nil
	if code, _, said := c.run("", "manage", "mistyped", "stats"); code != 3 || len(c.asked) != 0 || !strings.Contains(said, "deployments add mistyped") {
		t.Errorf("%d: %s (AWS was asked for %v)", code, said, c.asked)
	}
	if code, _, _ := c.run("", "manage", "mistyped", "--region", "us-west-2", "stats"); code != 3 || len(c.asked) != 1 {
		t.Errorf("%d (AWS was asked for %v)", code, c.asked)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"deployments", "add", "x", "--aws", "--server", "http://x"}, "it has neither server nor token"},
		{[]string{"deployments", "add", "x", "--aws", "--role", "me"}, "no ARN"},
		{[]string{"deployments", "add", "x", "--server", "http://x", "--region", "r"}, "are for deployments on AWS"},
		{[]string{"deployments", "add", "x"}, "or --aws"},
	} {
		if code, _, said := c.run("", tt.args...); code != 2 || !strings.Contains(said, tt.want) {
			t.Errorf("%v ended with %d: %s", tt.args, code, said)
		}
	}
}

// TestAWSListed lists the parameter store where the environment or a flag says that there is one.
func TestAWSListed(t *testing.T) {
	c := newCloud(t)
	c.run("", "deployments", "add", "prod", "--aws", "--region", "us-west-2")
	if code, out, _ := c.run("", "list-deployments"); code != 0 || strings.Contains(out, "staging") || len(c.asked) != 0 {
		t.Errorf("%d: %s", code, out)
	}
	c.env["AWS_PROFILE"] = "ops"
	if code, out, _ := c.run("", "list-deployments"); code != 0 || strings.Count(out, `"prod"`) != 1 || !strings.Contains(out, `"staging"`) {
		t.Errorf("%d: %s", code, out)
	}
	c.listing = problem.New(problem.Unauthorized, "the SSO session has expired")
	if code, out, said := c.run("", "list-deployments"); code != 0 || !strings.Contains(out, `"prod"`) || !strings.Contains(said, "the SSO session has expired") {
		t.Errorf("%d: %s%s", code, out, said)
	}
	if code, _, said := c.run("", "list-deployments", "--region", "us-east-1"); code != problem.ExitCode(c.listing) || !strings.Contains(said, "expired") {
		t.Errorf("%d: %s", code, said)
	}
}

// TestSync copies from a deployment on AWS to a server: the fakes tell that one and the other are asked.
func TestSync(t *testing.T) {
	c := newCloud(t)
	c.env["AWS_REGION"] = "us-west-2"
	server := httptest.NewServer(newFake())
	t.Cleanup(server.Close)
	if code, out, said := c.run("", "sync", "prod", server.URL, "--payloads"); code != 0 || !strings.Contains(out, `"stored":`) {
		t.Errorf("%d: %s%s", code, out, said)
	}
	if code, _, said := c.run("", "sync", "gone", server.URL); code != 3 || !strings.Contains(said, "gone") {
		t.Errorf("%d: %s", code, said)
	}
	if code, _, said := c.run("", "sync", "prod", "prod"); code != 2 || !strings.Contains(said, "two deployments") {
		t.Errorf("%d: %s", code, said)
	}
	if code, _, said := c.run("", "sync", "prod"); code != 2 {
		t.Errorf("%d: %s", code, said)
	}
}
