package deployment_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sundog/internal/deployment"
)

func file(t *testing.T, text string) deployment.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "deployments.yaml")
	if text != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := deployment.Open(func(name string) string {
		if name != deployment.FileVariable {
			t.Errorf("asked for %s", name)
		}
		return path
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPutGetRemove(t *testing.T) {
	f := file(t, "")
	if all, err := f.List(); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, d := range []deployment.Deployment{
		{Name: "prod", Server: "https://sundog.example.com", TokenFile: "/run/token"},
		{Name: "dev", Server: "http://127.0.0.1:1"},
		{Name: "dev", Server: "http://127.0.0.1:8123", TokenEnv: "DEV_TOKEN"},
		{Name: "cloud", AWS: &deployment.AWS{Name: "cirrus-prod", Profile: "ops", Region: "us-west-2", Role: "arn:aws:iam::123456789012:role/ops"}},
		{Name: "bare", AWS: &deployment.AWS{}},
	} {
		if err := f.Put(d); err != nil {
			t.Fatal(err)
		}
	}
	all, err := f.List()
	if err != nil || len(all) != 4 || all[2].Name != "dev" || all[2].Server != "http://127.0.0.1:8123" || all[3].TokenFile != "/run/token" {
		t.Fatalf("%+v, %v", all, err)
	}
	if cloud, err := f.Get("cloud"); err != nil || cloud.AWS == nil || cloud.AWS.Name != "cirrus-prod" || cloud.AWS.Role != "arn:aws:iam::123456789012:role/ops" {
		t.Errorf("%+v, %v", cloud, err)
	}
	if bare, err := f.Get("bare"); err != nil || bare.AWS == nil {
		t.Errorf("%+v, %v", bare, err)
	}
	if err := f.Remove("dev"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get("dev"); !errors.Is(err, deployment.ErrUnknown) || !strings.Contains(err.Error(), "[bare cloud prod]") {
		t.Errorf("%v", err)
	}
	if err := f.Remove("dev"); !errors.Is(err, deployment.ErrUnknown) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(f.Path())); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestInvalid(t *testing.T) {
	for _, text := range []string{
		"deployments: [a]", "deployments: {a: {server: https://x, tokn_file: y}}", "deployments: {a: {server: x}}", "deployments: {-a: {server: https://x}}",
		"deployments: {a: {server: https://x, token_file: y, token_env: z}}", "other: 1", "{",
		"deployments: {a: {aws: {}, server: https://x}}", "deployments: {a: {aws: {role: admin}}}", "deployments: {a: {aws: {}, token_env: z}}", "deployments: {a: {}}",
		"deployments: {a: {aws: {name: a b}}}",
	} {
		if _, err := file(t, text).List(); !errors.Is(err, deployment.ErrInvalid) {
			t.Errorf("%s gives %v", text, err)
		}
	}
	if all, err := file(t, "\n").List(); err != nil || len(all) != 0 {
		t.Errorf("an empty file gives %v, %v", all, err)
	}
	if err := file(t, "").Put(deployment.Deployment{Name: "a b", Server: "https://x"}); !errors.Is(err, deployment.ErrInvalid) {
		t.Errorf("%v", err)
	}
}
