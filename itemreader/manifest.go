package itemreader

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxManifestBytes bounds the manifest of an inventory, which is held in memory.
const maxManifestBytes = 16 << 20

// openInventory reads the rows of a bucket's inventory (S3 User Guide, "Locating your inventory list"), whose files the manifest names.
func openInventory(ctx context.Context, objects Objects, d *Dataset) (source, error) {
	body, err := objects.Open(ctx, d.Bucket, d.Key)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(io.NewSectionReader(body, 0, body.Size()), maxManifestBytes+1))
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	if len(text) > maxManifestBytes {
		return nil, errorf("The manifest has more than %d bytes.", maxManifestBytes)
	}
	var m struct {
		DestinationBucket, FileFormat, FileSchema string
		Files                                     []struct{ Key string }
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, errorf("The manifest is not valid JSON: %v", err)
	}
	bucket := m.DestinationBucket[strings.LastIndexByte(m.DestinationBucket, ':')+1:] // an ARN
	if bucket == "" {
		bucket = d.Bucket
	}
	files := *d
	files.Format, files.FirstRow, files.Delimiter = Format(strings.ToUpper(m.FileFormat)), false, ""
	switch files.Format {
	case CSV:
		files.Headers = nil
		for header := range strings.SplitSeq(m.FileSchema, ",") {
			files.Headers = append(files.Headers, strings.TrimSpace(header))
		}
	case Parquet:
	default:
		return nil, errorf("The inventory's file format %s cannot be read; CSV and Parquet can.", m.FileFormat)
	}
	next := 0
	names := func(context.Context) (string, string, error) {
		if next == len(m.Files) {
			return "", "", io.EOF
		}
		next++
		return bucket, m.Files[next-1].Key, nil
	}
	return &chain{names: names, open: files.opener(objects)}, nil
}

// openAthena reads the items of the objects that a query's manifest names, one URI in a line (Athena User Guide, "UNLOAD").
func openAthena(ctx context.Context, objects Objects, d *Dataset) (source, error) {
	body, err := objects.Open(ctx, d.Bucket, d.Key)
	if err != nil {
		return nil, err
	}
	text, err := plain(body)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	uris := newRows(text, "", ',')
	names := func(context.Context) (string, string, error) {
		row, err := uris.row()
		if err != nil {
			return "", "", err
		}
		uri, ok := strings.CutPrefix(strings.TrimSpace(row[0]), "s3://")
		bucket, key, found := strings.Cut(uri, "/")
		if !ok || !found {
			return "", "", errorf("The manifest names %q, which is not the URI of an object.", row[0])
		}
		return bucket, key, nil
	}
	return &chain{names: names, open: d.opener(objects), also: body}, nil
}
