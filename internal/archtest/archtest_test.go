// Package archtest holds the rules about who may import whom (ARCHITECTURE.md, Layers) as a test.
package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Imports    []string
}

// packages lists the packages of this module with what they import, tests left out.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "sundog/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

// domain are the packages that know no storage and no transport.
var domain = []string{"statedb", "event", "queue", "topic", "bucket", "pipeline", "publish", "batch", "stac", "audit", "access", "table", "dynamodb", "trigger", "trace", "schedule", "rerun", "convoy", "delayerapi"}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if reason := forbidden(p.ImportPath, imported); reason != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, reason)
			}
		}
	}
}

func forbidden(from, to string) string {
	switch {
	case !strings.HasPrefix(from, "sundog/internal/") && !strings.HasPrefix(from, "sundog/cmd/") && strings.HasPrefix(to, "sundog/internal/"):
		return "a library imports nothing internal"
	case isDomain(from) && strings.HasPrefix(to, "sundog/internal/") && !isDomain(to):
		return "the domain knows no platform and no surface"
	case isDomain(from) && (strings.HasPrefix(to, "github.com/cockroachdb/") || strings.HasPrefix(to, "github.com/aws/") || to == "net/http"):
		return "the domain knows no storage and no transport"
	case strings.HasPrefix(to, "github.com/cockroachdb/pebble") && from != "sundog/internal/embedded/store":
		return "only the store knows Pebble"
	case strings.HasPrefix(to, "go.opentelemetry.io/") && !strings.HasPrefix(from, "sundog/internal/embedded/telemetry"):
		return "only telemetry knows OpenTelemetry"
	case to == standins:
		return "only tests know the stand-ins for AWS"
	case from == standins:
		return "" // it starts a server of ours, as a test does
	case strings.HasPrefix(from, "sundog/internal/embedded") && strings.HasPrefix(to, "sundog/internal/aws/"), strings.HasPrefix(from, "sundog/internal/aws/") && strings.HasPrefix(to, "sundog/internal/embedded"):
		return "a platform knows no other platform"
	case slices.Contains(waysOut, from) && strings.HasPrefix(to, "sundog/internal/") && !isDomain(to) && !slices.Contains(waysOut, to):
		return "what platforms send requests with knows none of them"
	case strings.HasPrefix(from, "sundog/internal/aws/") && isSurface(to) && !slices.Contains(awsSurface, from):
		return "an adapter knows no surface"
	case strings.HasPrefix(from, "sundog/internal/embedded") && isSurface(to):
		return "a platform knows no surface"
	case strings.HasPrefix(to, "github.com/danielgtaylor/huma") && from != "sundog/internal/server":
		return "only the server knows its HTTP framework"
	}
	return ""
}

// standins is the package that tests start services of AWS with.
const standins = "sundog/internal/aws/awstest"

// waysOut are what every platform makes requests of others with.
var waysOut = []string{"sundog/internal/egress", "sundog/internal/errand"}

// awsSurface are the packages with which a deployment on AWS speaks with the world outside, and what tests play AWS with.
var awsSurface = []string{"sundog/internal/aws/lambda", "sundog/internal/aws/operator", standins}

// surface are packages that speak with the world outside. A platform's root knows the project, which is not among them.
var surface = []string{"api", "awsjson", "cirrusapi", "cli", "client", "operations", "request", "server", "sigv4", "stepfunctions"}

func isSurface(path string) bool {
	name, ok := strings.CutPrefix(path, "sundog/internal/")
	return ok && slices.Contains(surface, name)
}

func isDomain(path string) bool {
	for _, name := range domain {
		if path == "sundog/internal/"+name || strings.HasPrefix(path, "sundog/internal/"+name+"/") {
			return true
		}
	}
	return false
}

func TestRulesCanFail(t *testing.T) {
	for from, to := range map[string]string{
		"sundog/asl":                       "sundog/internal/event",
		"sundog/internal/pipeline":         "sundog/internal/embedded/store",
		"sundog/internal/statedb":          "github.com/cockroachdb/pebble/v2",
		"sundog/internal/embedded/queue":   "sundog/internal/server",
		"sundog/internal/embedded/machine": "sundog/internal/awsjson",
		"sundog/internal/aws/statedb":      "sundog/internal/embedded/store",
		"sundog/internal/aws/rerun":        "sundog/internal/operations",
		"sundog/internal/embedded/bucket":  "sundog/internal/aws/bucket",
		"sundog/internal/embedded/topic":   "go.opentelemetry.io/otel/trace",
		"sundog/internal/embedded/engine":  "github.com/cockroachdb/pebble/v2",
		"sundog/internal/pipeline/process": "net/http",
		"sundog/internal/aws/bucket":       standins,
		"sundog/internal/egress":           "sundog/internal/embedded/logs",
	} {
		if forbidden(from, to) == "" {
			t.Errorf("%s may import %s", from, to)
		}
	}
}

// TestEveryPackageIsInALayer looks for every package in ARCHITECTURE.md's table of layers, and for what the table names in the tree. What lies
// below a package that is named belongs to it.
func TestEveryPackageIsInALayer(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	named := layers(string(text))
	if len(named) < 50 {
		t.Fatalf("the table of layers names %v", named)
	}
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name, ok := strings.CutPrefix(p.ImportPath, "sundog/")
		if !ok || strings.HasPrefix(name, "docs") || strings.HasPrefix(name, "examples") || strings.HasPrefix(name, "deploy") {
			continue
		}
		home := name
		for !slices.Contains(named, home) || home != name && slices.Contains(platforms, home) {
			if home = path.Dir(home); home == "." {
				t.Errorf("ARCHITECTURE.md has no layer for %s", name)
				break
			}
		}
		seen[home] = true
	}
	for _, name := range named {
		if !seen[name] {
			t.Errorf("ARCHITECTURE.md has a layer for %s, which is not there", name)
		}
	}
}

// platforms are the packages below which others have a name of their own.
var platforms = []string{"internal/embedded", "internal/aws"}

// layers are the packages that the table of layers in ARCHITECTURE.md names: the second column, in which a name is below the folder
// before it that ends with a slash or with "and below it".
func layers(text string) []string {
	_, table, _ := strings.Cut(text, "| layer | packages |")
	table, _, _ = strings.Cut(table, "\n\n")
	word := regexp.MustCompile("`([^`]+)`(:| and below it)?")
	var named []string
	for _, row := range strings.Split(table, "\n")[2:] {
		below := ""
		for _, m := range word.FindAllStringSubmatch(strings.Split(row, "|")[2], -1) {
			name := strings.TrimSuffix(m[1], "/")
			switch {
			case m[2] == ":":
				below = m[1]
			case m[2] != "":
				named, below = append(named, name), name+"/"
			case strings.HasPrefix(name, "cmd/"):
				named = append(named, name)
			default:
				named = append(named, below+name)
			}
		}
	}
	return named
}
