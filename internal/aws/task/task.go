// Package task serves tasks over HTTP: items of a table that is the only source of what is known of them. Package taskstream starts workflows by its
// changes, and these write back.
//
// # Promises
//
//   - The item of a task has the partition key PK = TASK#<task_id>, and the attributes that it was made with.
//   - A task that is there is not overwritten: making it again is a conflict.
//   - What is shown was written before the question was asked.
package task

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/problem"
	"sundog/internal/table"
)

const (
	partitionKey = "PK"
	keyPrefix    = "TASK#"
	idAttribute  = "task_id"

	maxBody = 2 * table.MaxItemBytes // bytes of a request
)

// Options of tasks.
type Options struct {
	Client *dynamodb.Client
	Table  string
	// Log is told what is wrong with AWS; slog.Default when nil.
	Log *slog.Logger
}

// Tasks are the tasks of a table. They are safe for concurrent use.
type Tasks struct{ opts Options }

// New makes Tasks of a table that exists.
func New(opts Options) *Tasks {
	opts.Log = cmp.Or(opts.Log, slog.Default())
	return &Tasks{opts}
}

func keyOf(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{partitionKey: &types.AttributeValueMemberS{Value: keyPrefix + id}}
}

// Create makes a task of a plain JSON object with a text task_id, and returns that and the task as it is shown. Errors are of the kinds
// problem.Invalid, TooLarge, and Conflict when there is one with this id; others are AWS's.
func (t *Tasks) Create(ctx context.Context, text []byte) (id string, shown []byte, err error) {
	item, id, err := read(text)
	if err != nil {
		return "", nil, err
	}
	shown = item.Plain()
	item[partitionKey] = table.Text(keyPrefix + id)
	if size := item.Size(); size > table.MaxItemBytes {
		return "", nil, problem.New(problem.TooLarge, "the task has %d bytes; %d are allowed", size, table.MaxItemBytes)
	}
	if key := len(keyPrefix) + len(id); key > table.MaxPartitionKey {
		return "", nil, problem.New(problem.Invalid, "%s has %d bytes; %d are allowed", idAttribute, len(id), table.MaxPartitionKey-len(keyPrefix))
	}
	_, err = t.opts.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.opts.Table, Item: attributes(item), ConditionExpression: aws.String("attribute_not_exists(" + partitionKey + ")"),
	})
	if _, there := errors.AsType[*types.ConditionalCheckFailedException](err); there {
		return "", nil, problem.New(problem.Conflict, "%s %q exists", idAttribute, id).WithHint("GET /task/%s shows it; take another %s", url.PathEscape(id), idAttribute)
	}
	if err != nil {
		return "", nil, fmt.Errorf("making task %s in table %s: %w", id, t.opts.Table, err)
	}
	return id, shown, nil
}

// read reads a task.
func read(text []byte) (item table.Item, id string, err error) {
	const hint = `send a JSON object such as {"task_id": "100"}`
	if !json.Valid(text) {
		return nil, "", problem.New(problem.Invalid, "the body is no JSON").WithHint(hint)
	}
	if item, err = table.ParsePlain(text); err != nil {
		return nil, "", problem.Wrap(problem.Invalid, err, "reading the body").WithHint(hint)
	}
	named := item[idAttribute]
	if named.Type != table.S || named.Text == "" {
		return nil, "", problem.New(problem.Invalid, "the body has no text %q", idAttribute).WithHint(hint)
	}
	if _, taken := item[partitionKey]; taken {
		return nil, "", problem.New(problem.Invalid, "the attribute %q is the task's key, which is made of %s", partitionKey, idAttribute).WithHint("leave it out")
	}
	return item, named.Text, nil
}

// Get returns a task as plain JSON, without its key. The error is of kind problem.NotFound when there is none, or AWS's.
func (t *Tasks) Get(ctx context.Context, id string) ([]byte, error) {
	missing := problem.New(problem.NotFound, "there is no %s %q", idAttribute, id)
	if len(keyPrefix)+len(id) > table.MaxPartitionKey {
		return nil, missing
	}
	out, err := t.opts.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.opts.Table, Key: keyOf(id), ConsistentRead: aws.Bool(true)})
	if err == nil && out.Item == nil {
		return nil, missing
	}
	var item table.Item
	if err == nil {
		item, err = itemOf(out.Item)
	}
	if err != nil {
		return nil, fmt.Errorf("reading task %s of table %s: %w", id, t.opts.Table, err)
	}
	delete(item, partitionKey)
	return item.Plain(), nil
}

// Handler answers POST /task and GET /task/{id}. What is refused is answered with a problem document.
func (t *Tasks) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /task", t.post)
	mux.HandleFunc("GET /task/{id}", func(w http.ResponseWriter, r *http.Request) {
		shown, err := t.Get(r.Context(), r.PathValue("id"))
		if err != nil {
			t.refuse(w, r, err)
			return
		}
		answer(w, http.StatusOK, "application/json", shown)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.refuse(w, r, problem.New(problem.NotFound, "there is no %s %s here: POST /task, or GET /task/ID", r.Method, r.URL.Path))
	})
	return mux
}

func (t *Tasks) post(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	} else if err != nil {
		err = problem.Wrap(problem.Invalid, err, "reading the body")
	}
	var id string
	var shown []byte
	if err == nil {
		id, shown, err = t.Create(r.Context(), text)
	}
	if err != nil {
		t.refuse(w, r, err)
		return
	}
	w.Header().Set("Location", "/task/"+url.PathEscape(id))
	answer(w, http.StatusCreated, "application/json", shown)
}

func (t *Tasks) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if problem.Is(err, problem.Internal) {
		t.opts.Log.ErrorContext(r.Context(), "a request about tasks failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	doc := problem.DocumentOf(err, "")
	answer(w, doc.Status, problem.MediaType, doc.JSON())
}

func answer(w http.ResponseWriter, status int, contentType string, text []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client has gone
}
