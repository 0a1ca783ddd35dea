package aws_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sundog/internal/aws"
	"sundog/internal/aws/awstest"
	tables "sundog/internal/aws/statedb"
	"sundog/internal/queue"
)

func TestReady(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Fauxqs, awstest.Dynalite}})
	table, url := awstest.Name("state"), a.Queue(t, nil)
	if err := tables.Create(t.Context(), dynamodb.NewFromConfig(a.Config()), table); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, table, queue string
		want               error
	}{
		{"all there", table, url, nil},
		{"no table to look at", "", url, nil},
		{"a table that is not there", table + "x", url, tables.ErrTable},
		{"a queue that is not there", table, url + "x", queue.ErrNoQueue},
	} {
		err := open(t, a, aws.Environment{StateDB: tt.table}).Ready(t.Context(), tt.queue)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "is not ready") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestReadyWithoutAnswer has nobody answer for the table.
func TestReadyWithoutAnswer(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Fauxqs}})
	if err := open(t, a, aws.Environment{StateDB: "state"}).Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
