package awstest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws/awstest"
)

// TestStandinsAnswer uses each service once.
func TestStandinsAnswer(t *testing.T) {
	a := awstest.Start(t, awstest.Options{})
	cfg := a.Config()
	if _, err := s3.NewFromConfig(cfg).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(a.Bucket(t)), Key: aws.String("a/b?c"), Body: strings.NewReader("text"),
	}); err != nil {
		t.Error(err)
	}
	topic := a.Topic(t)
	url := a.Subscribe(t, topic, true)
	if _, err := sns.NewFromConfig(cfg).Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: aws.String("hello")}); err != nil {
		t.Error(err)
	}
	got, err := sqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 5})
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != "hello" {
		t.Errorf("%+v, %v", got, err)
	}
	tables, err := dynamodb.NewFromConfig(cfg).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil || len(tables.TableNames) != 0 {
		t.Errorf("%+v, %v", tables, err)
	}
	arn := a.StateMachine(t, "pass", `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`)
	if _, err := sfn.NewFromConfig(cfg).StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &arn}); err != nil {
		t.Error(err)
	}
}

// TestOthersAreNotReached asks for services that have no stand-in here: nothing may leave this machine.
func TestOthersAreNotReached(t *testing.T) {
	cfg := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Sundog}}).Config()
	cfg.RetryMaxAttempts = 1
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, noQueues := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
	_, noLogs := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	for _, err := range []error{noQueues, noLogs} {
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1: connect: connection refused") {
			t.Error(err)
		}
	}
	if _, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{}); err != nil {
		t.Errorf("tables of Sundog: %v", err)
	}
}
