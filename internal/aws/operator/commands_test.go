package operator_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	platform "sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/aws/operator"
	"sundog/internal/cli"
	"sundog/internal/deployment"
)

// TestLogCommands reads logs as the command line does, which names them in the manner of Cirrus too.
func TestLogCommands(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		args       []string
		code       int
		want       string
	}{
		{"of a function", "list.json", []string{"get-lambda-logs", "process"}, 0, "function/process/2026/11/21/[$LATEST]b"},
		{"of a log group", "list.json", []string{"get-lambda-logs", "/aws/lambda/dev-process"}, 0, "function/dev-process/2026/11/21/[$LATEST]b"},
		{"a call", "call.json", []string{"get-lambda-logs", "process", "2026/11/21/[$LATEST]b"}, 0, `"text":"hello"`},
		{"a job", "job.json", []string{"get-batch-logs", "reproject/default/0a1b"}, 0, `"text":"hello"`},
		{"of an execution", "execution.json", []string{"logs", "--execution", "arn:aws:states:us-west-2:123456789012:execution:dev-a:x"}, 0, `"stream":"job/reproject/default/0a1b"`},
		{"no such job", "none.json", []string{"get-batch-logs", "reproject/default/none"}, 3, "there is no log job/reproject/default/none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := awstest.Recorded(t, "testdata/commands/"+tt.file)
			var out, complaints bytes.Buffer
			code := cli.Run(t.Context(), append([]string{"manage", "dev"}, tt.args...), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &complaints}, cli.Deps{
				Getenv: func(name string) string {
					return map[string]string{deployment.FileVariable: t.TempDir() + "/none.yaml", "AWS_REGION": "us-west-2"}[name]
				},
				OpenAWS: func(context.Context, deployment.AWS) (*cli.Remote, error) {
					p := platform.Open(platform.Options{Config: cfg, Environment: environment()})
					o, err := operator.New(operator.Options{Platform: p, Name: "dev"})
					return &cli.Remote{Handler: o, Close: func() error {
						p.Close()
						return nil
					}}, err
				},
			})
			if code != tt.code || !strings.Contains(out.String()+complaints.String(), tt.want) {
				t.Errorf("it ended with %d: %s%s; want %d: %s", code, out.String(), complaints.String(), tt.code, tt.want)
			}
		})
	}
}
