package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sundog/internal/table"
)

// A stream has one shard, which never closes. An iterator is a table's stream and the number of the record before the next one; it does not
// expire.

const shardID = "shardId-00000000000000000001-00000000"

// SequenceText is the number of a record as the API has it: at least 21 digits.
func SequenceText(n uint64) string { return fmt.Sprintf("%021d", n) }

type listStreams struct {
	TableName               *string `api:"table,min=3,max=255"`
	ExclusiveStartStreamArn *string
	Limit                   *int64 `api:"min=1,max=100"`
}

type streamName struct{ StreamArn, StreamLabel, TableName string }

type listStreamsAnswer struct {
	Streams                []streamName
	LastEvaluatedStreamArn string `json:",omitempty"`
}

func (s *Service) listStreams(ctx context.Context, in *listStreams) (*listStreamsAnswer, error) {
	limit := number(in.Limit)
	if limit == 0 {
		limit = maxListed
	}
	after, _ := tableOfStream(text(in.ExclusiveStartStreamArn))
	out := &listStreamsAnswer{Streams: []streamName{}}
	for {
		names := s.tables.Names(after, maxListed)
		for _, name := range names {
			after = name
			info, err := s.tables.Describe(ctx, name)
			if err != nil || info.Schema.Stream == "" || in.TableName != nil && *in.TableName != name {
				continue
			}
			if len(out.Streams) == limit {
				out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
				return out, nil
			}
			out.Streams = append(out.Streams, streamName{s.streamARN(info.Schema), label(info.Schema), name})
		}
		if len(names) < maxListed {
			return out, nil
		}
	}
}

// tableOfStream is the table that the ARN of a stream names.
func tableOfStream(arn string) (string, bool) {
	_, rest, ok := strings.Cut(arn, ":table/")
	name, _, stream := strings.Cut(rest, "/stream/")
	return name, ok && stream
}

// stream finds the table of a stream.
func (s *Service) stream(ctx context.Context, arn string) (*table.Schema, error) {
	missing := &table.Error{Code: table.NotFound, Message: "Requested resource not found: Stream: " + arn + " not found"}
	name, ok := tableOfStream(arn)
	if !ok {
		return nil, missing
	}
	info, err := s.tables.Describe(ctx, name)
	if err != nil || info.Schema.Stream == "" || s.streamARN(info.Schema) != arn {
		return nil, missing
	}
	return info.Schema, nil
}

type describeStream struct {
	StreamArn             *string `api:"notnull,min=37,max=1024"`
	ExclusiveStartShardId *string //nolint:revive // as it is spelt in the API
	Limit                 *int64  `api:"min=1,max=100"`
}

type sequenceRange struct{ StartingSequenceNumber string }

type shard struct {
	ShardId             string //nolint:revive // as it is spelt in the API
	SequenceNumberRange sequenceRange
}

type streamDescription struct {
	StreamArn               string
	StreamLabel             string
	StreamStatus            string
	StreamViewType          string
	TableName               string
	KeySchema               []keyElement
	CreationRequestDateTime float64
	Shards                  []shard
}

type describeStreamAnswer struct{ StreamDescription streamDescription }

func (s *Service) describeStream(ctx context.Context, in *describeStream) (*describeStreamAnswer, error) {
	schema, err := s.stream(ctx, *in.StreamArn)
	if err != nil {
		return nil, err
	}
	d := streamDescription{
		StreamArn: *in.StreamArn, StreamLabel: label(schema), StreamStatus: "ENABLED", StreamViewType: schema.Stream,
		TableName: schema.Name, KeySchema: elements(schema.Keys), CreationRequestDateTime: seconds(schema.Streaming), Shards: []shard{},
	}
	if text(in.ExclusiveStartShardId) != shardID {
		d.Shards = append(d.Shards, shard{shardID, sequenceRange{SequenceText(1)}})
	}
	return &describeStreamAnswer{d}, nil
}

type getShardIterator struct {
	StreamArn         *string `api:"notnull,min=37,max=1024"`
	ShardId           *string `api:"notnull,min=28,max=65"` //nolint:revive // as it is spelt in the API
	ShardIteratorType *string `api:"notnull,enum=AFTER_SEQUENCE_NUMBER|LATEST|AT_SEQUENCE_NUMBER|TRIM_HORIZON"`
	SequenceNumber    *string `api:"min=21,max=40"`
}

type iteratorAnswer struct{ ShardIterator string }

// iterator is a position in a stream.
type iterator struct {
	Stream string
	After  uint64
}

func (i iterator) String() string {
	text, err := json.Marshal(i)
	if err != nil { // two plain fields can always be written
		return ""
	}
	return base64.StdEncoding.EncodeToString(text)
}

func (s *Service) getShardIterator(ctx context.Context, in *getShardIterator) (*iteratorAnswer, error) {
	schema, err := s.stream(ctx, *in.StreamArn)
	if err != nil {
		return nil, err
	}
	if *in.ShardId != shardID {
		return nil, &table.Error{Code: table.NotFound, Message: "Requested resource not found: Shard does not exist"}
	}
	at := iterator{Stream: *in.StreamArn}
	switch kind := *in.ShardIteratorType; kind {
	case "LATEST":
		if at.After, err = s.tables.Newest(ctx, schema.Name); err != nil {
			return nil, err
		}
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		n, err := strconv.ParseUint(text(in.SequenceNumber), 10, 64)
		if err != nil {
			return nil, table.Invalid("Invalid SequenceNumber: %s is no number of a record; it is needed for ShardIteratorType %s", text(in.SequenceNumber), kind)
		}
		if at.After = n; kind == "AT_SEQUENCE_NUMBER" && n > 0 {
			at.After--
		}
	}
	return &iteratorAnswer{at.String()}, nil
}

type getRecords struct {
	ShardIterator *string `api:"notnull,min=1,max=2048"`
	Limit         *int64  `api:"min=1,max=1000"`
}

type image struct {
	ApproximateCreationDateTime float64
	Keys                        table.Item
	NewImage                    table.Item `json:",omitempty"`
	OldImage                    table.Item `json:",omitempty"`
	SequenceNumber              string
	SizeBytes                   int
	StreamViewType              string
}

type identity struct {
	PrincipalId string //nolint:revive // as it is spelt in the API
	Type        string
}

type record struct {
	AwsRegion    string    `json:"awsRegion"`
	Dynamodb     image     `json:"dynamodb"`
	EventID      string    `json:"eventID"`
	EventName    string    `json:"eventName"`
	EventSource  string    `json:"eventSource"`
	EventVersion string    `json:"eventVersion"`
	UserIdentity *identity `json:"userIdentity,omitempty"`
	StreamARN    string    `json:"eventSourceARN,omitempty"` // for functions
}

type recordsAnswer struct {
	Records           []record
	NextShardIterator string
}

// maxRecords is how many records one answer has; their images are bounded by what items are.
const maxRecords = 1000

func (s *Service) getRecords(ctx context.Context, in *getRecords) (*recordsAnswer, error) {
	at, ok := parseIterator(*in.ShardIterator)
	if !ok {
		return nil, table.Invalid("Invalid ShardIterator.")
	}
	schema, err := s.stream(ctx, at.Stream)
	if err != nil {
		return nil, err
	}
	limit := number(in.Limit)
	if limit == 0 {
		limit = maxRecords
	}
	changes, err := s.tables.Changes(ctx, schema.Name, at.After, limit)
	if err != nil {
		return nil, err
	}
	out := &recordsAnswer{Records: make([]record, 0, len(changes))}
	for _, c := range changes {
		at.After = c.Sequence
		out.Records = append(out.Records, s.record(schema, c))
	}
	out.NextShardIterator = at.String()
	return out, nil
}

func parseIterator(text string) (at iterator, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return at, false
	}
	return at, json.Unmarshal(raw, &at) == nil
}

func (s *Service) record(schema *table.Schema, c table.Record) record {
	r := record{
		AwsRegion: s.region, EventID: SequenceText(c.Sequence), EventName: c.Event, EventSource: "aws:dynamodb", EventVersion: "1.1",
		Dynamodb: image{
			ApproximateCreationDateTime: float64(c.At.Unix()), Keys: c.Keys, NewImage: c.New, OldImage: c.Old,
			SequenceNumber: SequenceText(c.Sequence), SizeBytes: c.Keys.Size() + c.New.Size() + c.Old.Size(), StreamViewType: schema.Stream,
		},
	}
	if c.Expired {
		r.UserIdentity = &identity{"dynamodb.amazonaws.com", "Service"}
	}
	return r
}

// LambdaRecord is a record of a table's stream as a function gets it (Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"): that of
// GetRecords with the ARN of the stream.
func LambdaRecord(region, account string, schema *table.Schema, c table.Record) ([]byte, error) {
	s := &Service{region: region, account: account}
	r := s.record(schema, c)
	r.StreamARN = s.streamARN(schema)
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing record %d of table %s: %w", c.Sequence, schema.Name, err)
	}
	return text, nil
}
