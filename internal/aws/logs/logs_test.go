package logs_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/logs"
)

// TestLastLine plays requests and answers that were written after the Amazon CloudWatch Logs API Reference, GetLogEvents.
func TestLastLine(t *testing.T) {
	for _, c := range []struct {
		file string
		want string
		ok   bool
		err  string
	}{
		{file: "event", want: "cirrus.lib.errors.InvalidInput: bad", ok: true},
		{file: "empty-page-first", want: "late", ok: true},
		{file: "nothing"},
		{file: "no-stream"},
		{file: "denied", err: "job/default/x of /aws/batch/job"},
	} {
		t.Run(c.file, func(t *testing.T) {
			client := cloudwatchlogs.NewFromConfig(awstest.Recorded(t, filepath.Join("testdata", c.file+".json")))
			line, ok, err := logs.New(client, "/aws/batch/job").LastLine(t.Context(), "job/default/x")
			if line != c.want || ok != c.ok || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v, %v", line, ok, err)
			}
		})
	}
}
