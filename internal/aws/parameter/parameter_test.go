package parameter_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/parameter"
)

func store(t *testing.T, values map[string]string) *parameter.Store {
	t.Helper()
	cfg := aws.Config{
		Region: "us-west-2", BaseEndpoint: aws.String(awstest.Parameters(t, values)),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}
	return parameter.New(ssm.NewFromConfig(cfg))
}

func TestNames(t *testing.T) {
	values := map[string]string{"/other": "x", "/cirrus/deploymentsnot": "x"}
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("d%02d", i)
		want = append(want, name)
		values[parameter.Pointers+name] = "{}"
	}
	got, err := store(t, values).Names(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := store(t, nil).Names(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEnvironment(t *testing.T) {
	values := map[string]string{
		parameter.Pointers + "dev":    `{"type": "parameter_store", "value": "/deployment/dev/"}`,
		parameter.Pointers + "bare":   `{"type": "parameter_store", "value": "/deployment/bare"}`,
		"/deployment/dev/CIRRUS_KEY":  "secret:s3cr3t",
		"/deployment/bare/CIRRUS_ONE": "1",
	}
	for i := range 23 {
		values[fmt.Sprintf("/deployment/dev/CIRRUS_%d", i)] = fmt.Sprint(i)
	}
	s := store(t, values)
	got, err := s.Environment(t.Context(), "dev")
	if err != nil || len(got) != 24 || got["CIRRUS_KEY"] != (parameter.Variable{Value: "s3cr3t", Secret: true}) || got["CIRRUS_22"] != (parameter.Variable{Value: "22"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.Environment(t.Context(), "bare"); err != nil || got["CIRRUS_ONE"].Value != "1" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.Environment(t.Context(), "prod"); !errors.Is(err, parameter.ErrNoDeployment) || !strings.Contains(err.Error(), "/cirrus/deployments/prod") {
		t.Errorf("%v", err)
	}
}

func TestPointers(t *testing.T) {
	for pointer, want := range map[string]string{
		`arn:aws:ssm`:                                  "no pointer",
		`{"type": "secret", "value": "/a/"}`:           `points to a "secret"`,
		`{"type": "parameter_store", "value": "a"}`:    `points to "a"`,
		`{"type": "parameter_store", "value": "/a/"}`:  "there are none under /a/",
		`{"type": "parameter_store", "value": "/all"}`: "more than 1000",
	} {
		values := map[string]string{parameter.Pointers + "dev": pointer}
		if strings.Contains(pointer, "all") {
			for i := range 1001 {
				values[fmt.Sprintf("/all/%d", i)] = "x"
			}
		}
		if _, err := store(t, values).Environment(t.Context(), "dev"); !errors.Is(err, parameter.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pointer, err, want)
		}
	}
}
