// Package statedb keeps the state database in a table of DynamoDB: that of Cirrus (cirrus-geo 2), with its two indexes, attribute for
// attribute, so that both can work on it.
//
// # Writes
//
// Every change of a record is one conditional UpdateItem, PutItem or DeleteItem. An update sets and removes what the change is about, no
// more, so attributes that others wrote survive. Its condition names what the change was decided on; when that does not hold any more, the
// record is read and decided on again. So two who write the same record see each other, whoever they are.
//
// # Effects
//
// No transaction spans DynamoDB, S3, SNS and SQS, so what a transition causes is carried out (Carrier) beside its write:
//
//   - A claim: the write first. A crash before its effects is repaired by the message, which comes again: the record is CLAIMED, and
//     process takes the claim up, stores the input again and tells of the claim again (pipeline.Config, Beside).
//   - A start and an end: the effects first, if the record allows the transition, then the write. An end whose effects fail changes
//     nothing and comes again. What came twice, or late, finds that the record does not allow it, and causes nothing.
//   - A redrive, Replace and Delete: the write first. When the effects fail the error says so; the write stays.
//
// So nothing is lost, and effects are repeated only by a crash between them and the write, or by two deliveries of one end at the same
// moment. Topics and queues deliver at least once anyway, and a payload that is sent twice is run once by process.
//
// # Reads
//
// Records that are asked for by their keys are read consistently. Queries and counts read the indexes, which follow the table by
// fractions of a second. What goes beyond one partition is answered from all of its partitions: see Query and Counts for the cost.
//
// # Rate
//
// A payload's life is three updates. An update of an item of up to 1 KB costs one write unit in the table and, since its state and time are
// keys there, two in each index, but one where the record is new (Amazon DynamoDB Developer Guide, Global secondary indexes: Write costs): thirteen
// for a new payload. A partition takes a thousand a second (Partitions: limits), and a partition of an index is one `collections_workflow`. So payloads of one
// workflow on one set of collections are throttled from about 200 a second on, whatever the table's capacity; those of others are not.
package statedb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sundog/internal/statedb"
	"sundog/payload"
)

// A Carrier carries out what transitions cause. When it returns nil, all of it was accepted by the services it went to. After an error
// some of it may have been.
type Carrier interface {
	Carry(ctx context.Context, e *statedb.Effects) error
}

// Options are what a DB is made of.
type Options struct {
	Client *dynamodb.Client
	// Table is the table's name or ARN.
	Table string
	// Carrier carries out effects. It may be nil when nothing has any.
	Carrier Carrier
}

// DB is the state database. It is safe for concurrent use, and needs no closing.
type DB struct {
	client  *dynamodb.Client
	table   *string
	carrier Carrier
	claims  claims
}

// New makes a DB. It asks nothing of the service; see Check.
func New(opts Options) *DB {
	return &DB{client: opts.Client, table: aws.String(opts.Table), carrier: opts.Carrier}
}

// Get returns the record of a payload. It returns statedb.ErrNotFound when there is none, statedb.ErrMalformed when it cannot be read.
func (db *DB) Get(ctx context.Context, id payload.ID) (statedb.Record, error) {
	r, err := db.find(ctx, id)
	if err != nil {
		return statedb.Record{}, err
	}
	if r == nil {
		return statedb.Record{}, fmt.Errorf("%w: %s", statedb.ErrNotFound, id)
	}
	return *r, nil
}

// find returns a record, or nil when there is none.
func (db *DB) find(ctx context.Context, id payload.ID) (*statedb.Record, error) {
	if err := checkKey(id); err != nil {
		return nil, err
	}
	out, err := db.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: db.table, Key: keyOf(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("reading record %s of the table %s: %w", id, *db.table, err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	r, err := decode(out.Item)
	if err != nil {
		return nil, fmt.Errorf("reading record %s: %w", id, err)
	}
	return &r, nil
}

// Emit carries out effects that no transition causes.
func (db *DB) Emit(ctx context.Context, effects statedb.Effects) error {
	return db.carry(ctx, &effects)
}

func (db *DB) carry(ctx context.Context, e *statedb.Effects) error {
	if e.Empty() {
		return nil
	}
	if db.carrier == nil {
		return errors.New("state database: it was made without a carrier, so transitions cannot have effects")
	}
	if err := db.carrier.Carry(ctx, e); err != nil {
		return fmt.Errorf("carrying effects out: %w", err)
	}
	return nil
}
