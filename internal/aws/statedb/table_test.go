package statedb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/statedb"
	domain "sundog/internal/statedb"
	"sundog/payload"
)

func TestCheck(t *testing.T) {
	client := dynamodb.NewFromConfig(awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite}}).Config())
	text := func(names ...string) (all []types.AttributeDefinition) {
		for _, name := range names {
			all = append(all, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
		}
		return all
	}
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
	}
	index := func(name, sort string, projection types.ProjectionType) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: &name, KeySchema: keys("collections_workflow", sort), Projection: &types.Projection{ProjectionType: projection}}
	}
	names := []string{"collections_workflow", "itemids", "state_updated", "updated"}
	for _, tt := range []struct {
		name string
		in   *dynamodb.CreateTableInput
		want string
	}{
		{"no table", nil, "there is no table"},
		{"other keys", &dynamodb.CreateTableInput{AttributeDefinitions: text("id", "n"), KeySchema: keys("id", "n")}, "id (HASH), n (RANGE)"},
		{"no index", &dynamodb.CreateTableInput{AttributeDefinitions: text(names[:2]...), KeySchema: keys(names[0], names[1])}, "lacks the index state_updated"},
		{"one index", &dynamodb.CreateTableInput{
			AttributeDefinitions: text(names[:3]...), KeySchema: keys(names[0], names[1]),
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("state_updated", "state_updated", types.ProjectionTypeAll)},
		}, "lacks the index updated"},
		{"an index with other keys", &dynamodb.CreateTableInput{
			AttributeDefinitions: text(names...), KeySchema: keys(names[0], names[1]),
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("state_updated", "updated", types.ProjectionTypeAll), index("updated", "state_updated", types.ProjectionTypeAll)},
		}, "the keys of its index state_updated"},
		{"an index of keys only", &dynamodb.CreateTableInput{
			AttributeDefinitions: text(names...), KeySchema: keys(names[0], names[1]),
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("state_updated", "state_updated", types.ProjectionTypeKeysOnly), index("updated", "updated", types.ProjectionTypeAll)},
		}, "does not project all"},
	} {
		name := awstest.Name("table")
		if tt.in != nil {
			tt.in.TableName, tt.in.BillingMode = &name, types.BillingModePayPerRequest
			if _, err := client.CreateTable(t.Context(), tt.in); err != nil {
				t.Fatal(err)
			}
			if err := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
				o.MinDelay = 10 * time.Millisecond
			}).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		err := statedb.New(statedb.Options{Client: client, Table: name}).Check(t.Context())
		if !errors.Is(err, statedb.ErrTable) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := statedb.New(statedb.Options{Client: client, Table: newTable(t, client)}).Check(t.Context()); err != nil {
		t.Errorf("a sound one: %v", err)
	}
}

// TestOneBadKeyHarmsNoOther reads records among ids that no key can be made of.
func TestOneBadKeyHarmsNoOther(t *testing.T) {
	w := newWorld(t, awstest.Dynalite)
	w.must(t, domain.Claim(id, one, at(1)))
	long := id
	long.ItemIDs = strings.Repeat("x", 1025)
	none := id
	none.ItemIDs = "none"
	found, err := w.GetMany(t.Context(), []payload.ID{long, id, none, id, {}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{domain.ErrMalformed, nil, domain.ErrNotFound, nil, domain.ErrMalformed} {
		if !errors.Is(found[i].Err, want) || want == nil && (found[i].Err != nil || found[i].Record.ID != id) {
			t.Errorf("%d: %+v", i, found[i])
		}
	}
	if _, err := w.Apply(t.Context(), domain.Claim(long, one, at(1)), domain.Effects{}); !errors.Is(err, domain.ErrMalformed) {
		t.Errorf("claiming: %v", err)
	}
}

// TestSpoiltItemHidesNoOther puts an item beside a record that cannot be read as one.
func TestSpoiltItemHidesNoOther(t *testing.T) {
	w := newWorld(t, awstest.Dynalite)
	w.must(t, domain.Claim(id, one, at(1)))
	spoilt := id
	spoilt.ItemIDs = "spoilt"
	if _, err := w.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: map[string]types.AttributeValue{
		"collections_workflow": &types.AttributeValueMemberS{Value: spoilt.PartitionKey()}, "itemids": &types.AttributeValueMemberS{Value: spoilt.ItemIDs},
		"state_updated": &types.AttributeValueMemberS{Value: "FAILED_x"}, "executions": &types.AttributeValueMemberN{Value: "5"},
	}}); err != nil {
		t.Fatal(err)
	}
	page, err := w.Query(t.Context(), domain.Query{Partition: id.PartitionKey(), Index: domain.ByItemIDs})
	if err != nil || len(page.Records) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	found, err := w.GetMany(t.Context(), []payload.ID{id, spoilt})
	if err != nil || found[0].Err != nil || !errors.Is(found[1].Err, domain.ErrMalformed) {
		t.Errorf("%+v, %v", found, err)
	}
}

// busy answers BatchGetItem with one record of those it is asked for, and names the others as unprocessed.
func busy(t *testing.T, stubborn bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var in struct {
			RequestItems map[string]struct {
				Keys []map[string]map[string]string
			}
		}
		if err := json.Unmarshal(text, &in); err != nil {
			t.Error(err)
		}
		keys := in.RequestItems["t"].Keys
		done := 1
		if stubborn {
			done = 0
		}
		items, left := keys[:done], keys[done:]
		for _, it := range items {
			it["state_updated"] = map[string]string{"S": "FAILED_x"}
		}
		out := map[string]any{"Responses": map[string]any{"t": items}, "UnprocessedKeys": map[string]any{}}
		if len(left) > 0 {
			out["UnprocessedKeys"] = map[string]any{"t": map[string]any{"Keys": left}}
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	}
}

// handlerTransport answers requests without a network.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestUnprocessedKeys reads from a table that gives less than it is asked for.
func TestUnprocessedKeys(t *testing.T) {
	for _, stubborn := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			client := dynamodb.New(dynamodb.Options{
				Region: "us-east-1", BaseEndpoint: aws.String("http://standin"), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
				HTTPClient: handlerTransport{busy(t, stubborn)}, DisableValidateResponseChecksum: true,
			})
			ids := make([]payload.ID, 5)
			for i := range ids {
				ids[i] = payload.ID{Collections: "c", Workflow: "wf", ItemIDs: fmt.Sprint(i)}
			}
			found, err := statedb.New(statedb.Options{Client: client, Table: "t"}).GetMany(t.Context(), ids)
			if stubborn != (err != nil) {
				t.Fatalf("stubborn %v: %v", stubborn, err)
			}
			for i, f := range found {
				if f.Err != nil || f.Record.ID != ids[i] {
					t.Errorf("%d: %+v", i, f)
				}
			}
		})
	}
}

// TestNull changes a record whose missing attributes others wrote as NULL.
func TestNull(t *testing.T) {
	for _, standin := range []awstest.Standin{awstest.Dynalite, awstest.Sundog} {
		w := newWorld(t, standin)
		null := &types.AttributeValueMemberNULL{Value: true}
		if _, err := w.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: map[string]types.AttributeValue{
			"collections_workflow": &types.AttributeValueMemberS{Value: id.PartitionKey()}, "itemids": &types.AttributeValueMemberS{Value: id.ItemIDs},
			"state_updated": &types.AttributeValueMemberS{Value: "CLAIMED_x"}, "updated": &types.AttributeValueMemberS{Value: "x"},
			"executions": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: one}}},
			"created":    null, "last_error": null, "outputs": null,
		}}); err != nil {
			t.Fatal(err)
		}
		if r, err := w.Apply(t.Context(), domain.Start(id, one, at(1)), domain.Effects{}); err != nil || r.State() != domain.Processing {
			t.Errorf("%s: %+v, %v", standin, r, err)
		}
		before, err := w.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := domain.Migrate(before)
		after.StateUpdated = "ABORTED_x"
		if err := w.Replace(t.Context(), before, &after, domain.Effects{}); err != nil {
			t.Errorf("%s: %v", standin, err)
		}
	}
}

// TestErrorsNameTheTable asks for what needs a table that is not there: DynamoDB does not say which one it misses.
func TestErrorsNameTheTable(t *testing.T) {
	absent := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"}`)
	})
	db := statedb.New(statedb.Options{Table: "nowhere", Client: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://standin"), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: handlerTransport{absent}, DisableValidateResponseChecksum: true,
	})})
	ctx, r := t.Context(), domain.Record{ID: payload.ID{Collections: "c", Workflow: "w", ItemIDs: "i"}, StateUpdated: "FAILED_2026-01-01T00:00:00.000000+00:00"}
	for name, f := range map[string]func() error{
		"get":  func() error { _, err := db.Get(ctx, r.ID); return err },
		"many": func() error { _, err := db.GetMany(ctx, []payload.ID{r.ID}); return err },
		"claim": func() error {
			_, err := db.Apply(ctx, domain.Claim(r.ID, "arn", time.Now()), domain.Effects{})
			return err
		},
		"start": func() error {
			_, err := db.Apply(ctx, domain.Start(r.ID, "arn", time.Now()), domain.Effects{})
			return err
		},
		"query":  func() error { _, err := db.Query(ctx, domain.Query{Partition: "c_w", Limit: 1}); return err },
		"all":    func() error { _, err := db.Partitions(ctx); return err },
		"counts": func() error { _, err := db.Counts(ctx, "c_w"); return err },
		"put":    func() error { return db.Put(ctx, r) },
		"bring":  func() error { _, err := db.PutMany(ctx, []domain.Record{r}, domain.KeepExisting); return err },
		"delete": func() error { return db.Delete(ctx, r.ID, domain.Effects{}) },
		"check":  func() error { return db.Check(ctx) },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "table nowhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
