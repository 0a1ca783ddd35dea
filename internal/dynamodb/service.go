// Package dynamodb owns the API of DynamoDB and of its streams: what the requests of its operations may say, in which order mistakes in them
// are told and in which words, and what the answers look like (Amazon DynamoDB API Reference, version 2012-08-10). What the requests mean is
// said in package table; tables themselves are handed in. It knows JSON, and nothing of HTTP: a protocol, or a task of a workflow, calls it.
//
// # Promises
//
//   - A refusal is a *table.Error; ErrorType gives it the name that stands on the wire. Every other error is a fault of the platform.
//   - A request is nested within bounds before anything goes into it, and holds no more memory than a few times its length.
package dynamodb

import (
	"context"
	"time"

	"sundog/internal/table"
)

// Tables are what the operations work on. Errors that a caller is to see are *table.Error.
type Tables interface {
	Get(ctx context.Context, g *table.Get) (table.Got, error)
	Write(ctx context.Context, w *table.Write) (table.Written, error)
	Query(ctx context.Context, q *table.Query) (table.Page, error)
	// GetAll may stop early, with fewer answers than requests.
	GetAll(ctx context.Context, gets []table.Get) ([]table.Got, error)
	WriteAll(ctx context.Context, writes []table.Write) ([]table.Written, error)
	Transact(ctx context.Context, writes []table.Write, token string, digest []byte) ([]table.Written, error)
	TransactGet(ctx context.Context, gets []table.Get) ([]table.Got, error)

	Create(ctx context.Context, schema table.Schema) (table.Info, error)
	Describe(ctx context.Context, name string) (table.Info, error)
	Alter(ctx context.Context, name string, edit func(*table.Schema) error) (table.Info, error)
	Delete(ctx context.Context, name string) (table.Info, error)
	Names(after string, limit int) []string

	// Changes are up to limit records of a stream after a number.
	Changes(ctx context.Context, name string, after uint64, limit int) ([]table.Record, error)
	Newest(ctx context.Context, name string) (uint64, error)
}

// Service is the API over tables. It is safe for concurrent use.
type Service struct {
	tables  Tables
	region  string
	account string
	now     func() time.Time
}

// Options of a Service. Region and Account show in ARNs.
type Options struct {
	Region  string
	Account string
	// Now is the clock, time.Now when nil.
	Now func() time.Time
}

// New makes a service.
func New(tables Tables, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{tables: tables, region: opts.Region, account: opts.Account, now: opts.Now}
}

// Operation is one operation: it takes the body of a request, JSON, and returns what json.Marshal makes the body of the answer.
type Operation func(ctx context.Context, body []byte) (any, error)

// Operations returns the operations of DynamoDB (target DynamoDB_20120810) by name.
func (s *Service) Operations() map[string]Operation {
	return map[string]Operation{
		"GetItem":            operation(s.getItem),
		"PutItem":            operation(s.putItem),
		"UpdateItem":         operation(s.updateItem),
		"DeleteItem":         operation(s.deleteItem),
		"Query":              operation(s.query),
		"Scan":               operation(s.scan),
		"BatchGetItem":       operation(s.batchGetItem),
		"BatchWriteItem":     operation(s.batchWriteItem),
		"TransactWriteItems": operation(s.transactWriteItems),
		"TransactGetItems":   operation(s.transactGetItems),
		"CreateTable":        operation(s.createTable),
		"DescribeTable":      operation(s.describeTable),
		"UpdateTable":        operation(s.updateTable),
		"DeleteTable":        operation(s.deleteTable),
		"ListTables":         operation(s.listTables),
		"UpdateTimeToLive":   operation(s.updateTimeToLive),
		"DescribeTimeToLive": operation(s.describeTimeToLive),
	}
}

// StreamOperations returns the operations of DynamoDB Streams (target DynamoDBStreams_20120810) by name.
func (s *Service) StreamOperations() map[string]Operation {
	return map[string]Operation{
		"ListStreams":      operation(s.listStreams),
		"DescribeStream":   operation(s.describeStream),
		"GetShardIterator": operation(s.getShardIterator),
		"GetRecords":       operation(s.getRecords),
	}
}

// operation reads and checks the request of an operation before it is carried out.
func operation[In, Out any](do func(context.Context, *In) (Out, error)) Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		in := new(In)
		r, err := bind(body, in)
		if err != nil {
			return nil, err
		}
		if err := check(r, in); err != nil {
			return nil, err
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// ErrorType is the "__type" of an error in the JSON protocol.
func ErrorType(e *table.Error) string {
	switch e.Code {
	case table.Serialization, table.AccessDenied:
		return "com.amazon.coral.service#" + e.Code
	case table.Validation:
		return "com.amazon.coral.validate#" + e.Code
	}
	return "com.amazonaws.dynamodb.v20120810#" + e.Code
}

// Failure is the body of the answer to a request that was refused.
type Failure struct {
	Type                string     `json:"__type"`
	Message             string     `json:"message,omitempty"`
	SerializationText   string     `json:"Message,omitempty"` // a SerializationException spells it so
	Item                table.Item `json:",omitempty"`
	CancellationReasons []reason   `json:",omitempty"`
}

type reason struct {
	Code    string
	Message string     `json:",omitempty"`
	Item    table.Item `json:",omitempty"`
}

// FailureOf is the body that tells an error.
func FailureOf(e *table.Error) Failure {
	f := Failure{Type: ErrorType(e), Message: e.Message, Item: e.Item}
	if e.Code == table.Serialization {
		f.Message, f.SerializationText = "", e.Message
	}
	for _, r := range e.Reasons {
		f.CancellationReasons = append(f.CancellationReasons, reason(r))
	}
	return f
}
