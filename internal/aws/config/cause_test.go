package config_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws/config"
	"sundog/internal/problem"
)

// impatient ends a context when a request is about to wait for its next attempt.
type impatient struct {
	aws.Retryer
	end func()
}

func (i impatient) RetryDelay(int, error) (time.Duration, error) {
	i.end()
	return time.Hour, nil
}

// TestTimeRunsOut lets the time run out while a throttled request waits for its next attempt.
func TestTimeRunsOut(t *testing.T) {
	machine(t, map[string]string{
		"AWS_ENDPOINT_URL": service(t, 400, "X-Amzn-Query-Error: RequestThrottled;Sender", `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"Rate exceeded"}`),
	})
	cfg, err := config.Load(t.Context(), config.Options{Profile: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg.Retryer = func() aws.Retryer { return impatient{retry.NewStandard(), cancel} }
	_, err = sqs.NewFromConfig(cfg).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	told := config.Explain(err)
	if !errors.Is(err, context.Canceled) || problem.KindOf(told) != problem.Limit || !strings.Contains(told.Error(), "sqs throttles GetQueueUrl: Rate exceeded") {
		t.Errorf("%v\n%v", err, told)
	}
}
