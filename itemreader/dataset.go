package itemreader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// A Dataset says where items are and how they are read. Its fields are those of ItemReader.
type Dataset struct {
	List      bool   `json:"list,omitempty"` // s3:listObjectsV2; otherwise s3:getObject
	Bucket    string `json:"bucket,omitempty"`
	Key       string `json:"key,omitempty"`
	VersionID string `json:"version,omitempty"` // only "null": the objects here have no versions
	Prefix    string `json:"prefix,omitempty"`
	After     string `json:"after,omitempty"` // StartAfter

	Format   Format       `json:"format,omitempty"` // InputType
	Manifest ManifestType `json:"manifest,omitempty"`
	Flatten  bool         `json:"flatten,omitempty"` // Transformation LOAD_AND_FLATTEN: the items of the objects listed
	Pointer  string       `json:"pointer,omitempty"` // ItemsPointer, a JSON pointer (RFC 6901)
	MaxItems int64        `json:"maxItems,omitempty"`

	FirstRow  bool      `json:"firstRow,omitempty"` // CSVHeaderLocation FIRST_ROW; otherwise GIVEN
	Headers   []string  `json:"headers,omitempty"`  // CSVHeaders
	Delimiter Delimiter `json:"delimiter,omitempty"`
}

// Format is InputType: what the objects of a dataset hold.
type Format string

// The formats.
const (
	CSV       Format = "CSV"
	JSON      Format = "JSON"
	JSONLines Format = "JSONL"
	Manifest  Format = "MANIFEST" // an inventory; the older way to say ManifestType
	Parquet   Format = "PARQUET"
)

// ManifestType says what wrote a manifest.
type ManifestType string

// The manifests.
const (
	Inventory ManifestType = "S3_INVENTORY" // a bucket's inventory: the items are its rows
	Athena    ManifestType = "ATHENA_DATA"  // a query's results: the items are those of the objects it names
)

// Delimiter is CSVDelimiter: the name of what stands between fields, a comma when empty.
type Delimiter string

// Rune returns the delimiter itself; ok is false for a name that is none.
func (d Delimiter) Rune() (delimiter rune, ok bool) {
	switch d {
	case "", "COMMA":
		return ',', true
	case "PIPE":
		return '|', true
	case "SEMICOLON":
		return ';', true
	case "SPACE":
		return ' ', true
	case "TAB":
		return '\t', true
	}
	return 0, false
}

// Open begins to read a dataset.
func Open(ctx context.Context, objects Objects, d Dataset) (*Reader, error) {
	if d.MaxItems < 0 {
		return nil, errorf("field MaxItems must be positive")
	}
	left := d.MaxItems
	if left == 0 || left > MaxItems {
		left = MaxItems
	}
	if d.VersionID != "" && d.VersionID != "null" {
		return nil, errorf("The specified version does not exist: objects have no versions here, so VersionId must be left out.")
	}
	from, err := d.open(ctx, objects)
	if err != nil {
		return nil, missing(err)
	}
	return &Reader{from: from, left: left}, nil
}

// Of reads the items of a JSON array or object that is at hand.
func Of(document []byte) (*Reader, error) {
	from, err := openJSON(bytesBody{bytes.NewReader(document)}, "", "STATE_DATA")
	if err != nil {
		return nil, err
	}
	return &Reader{from: from, left: -1}, nil
}

// bytesBody is a document in memory as a Body.
type bytesBody struct{ *bytes.Reader }

func (bytesBody) Close() error { return nil }

func (d *Dataset) open(ctx context.Context, objects Objects) (source, error) {
	switch {
	case d.List:
		list := &listing{objects: objects, bucket: d.Bucket, prefix: d.Prefix, after: d.After}
		if d.Flatten {
			return &chain{names: list.names, open: d.opener(objects)}, nil
		}
		return list, list.fill(ctx)
	case d.Manifest == Athena:
		return openAthena(ctx, objects, d)
	case d.Manifest == Inventory || d.Format == Manifest:
		return openInventory(ctx, objects, d)
	}
	return d.object(ctx, objects, d.Bucket, d.Key)
}

// opener opens one object of many.
func (d *Dataset) opener(objects Objects) func(ctx context.Context, bucket, key string) (source, error) {
	return func(ctx context.Context, bucket, key string) (source, error) {
		return d.object(ctx, objects, bucket, key)
	}
}

// object opens an object that holds items.
func (d *Dataset) object(ctx context.Context, objects Objects, bucket, key string) (source, error) {
	body, err := objects.Open(ctx, bucket, key)
	if err != nil {
		return nil, err
	}
	from, err := d.decode(body, "S3://"+bucket+"/"+key)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return from, nil
}

func (d *Dataset) decode(body Body, name string) (source, error) {
	if d.Format == Parquet {
		return openParquet(body, name)
	}
	text, err := plain(body)
	if err != nil {
		return nil, err
	}
	switch d.Format {
	case CSV:
		return openCSV(text, name, d)
	case JSONLines:
		return openLines(text, name), nil
	case JSON, "":
		return openJSON(text, d.Pointer, name)
	}
	return nil, errorf("InputType %s is not known.", d.Format)
}

// missing makes an *Error of what the storage does not have.
func missing(err error) error {
	for _, known := range []error{ErrNoBucket, ErrNoObject} {
		if errors.Is(err, known) {
			return &Error{Cause: known.Error()}
		}
	}
	if wrong, ok := errors.AsType[*Error](err); ok {
		return wrong
	}
	return fmt.Errorf("opening the dataset: %w", err)
}
