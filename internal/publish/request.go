package publish

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"sundog/internal/stac"
	"sundog/payload"
)

// request is a payload with what publishing reads of it.
type request struct {
	payload  *payload.Payload
	items    []*stac.Item
	matchers []matcher
	upload   uploadOptions
}

// uploadOptions are "upload_options". Of the headers only the content type means something to a bucket, and public_assets means
// nothing: Items are stored, their assets stay where they are.
type uploadOptions struct {
	PathTemplate string            `json:"path_template"`
	Headers      map[string]string `json:"headers"`
	S3URLs       bool              `json:"s3_urls"`
}

// contentType is what the headers ask for, in boto's spelling or HTTP's.
func (o uploadOptions) contentType() string {
	for _, name := range []string{"ContentType", "Content-Type", "content-type"} {
		if value := o.Headers[name]; value != "" {
			return value
		}
	}
	return stac.GeoJSON
}

func parseRequest(raw []byte) (*request, error) {
	p, err := payload.ParseTask(raw)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if !gjson.GetBytes(raw, "features").IsArray() {
		return nil, errors.New("publish: it is no payload: its features are not a list")
	}
	req := &request{payload: p}
	if req.upload, err = readUploadOptions("process[0].upload_options", p.UploadOptions()); err != nil {
		return nil, err
	}
	if req.matchers, err = newMatchers(p.Matchers()); err != nil {
		return nil, err
	}
	for _, feature := range p.Items() {
		object, err := stac.ReadObject(feature)
		if err != nil {
			return nil, fmt.Errorf("publish: feature %d: %w", len(req.items), err)
		}
		item, err := stac.NewItem(object)
		if err != nil {
			return nil, err
		}
		req.items = append(req.items, item)
	}
	return req, nil
}

// uploadOptions of a collection: its own in collection_options, else those of the process definition.
func (r *request) uploadOptions(collection string) (uploadOptions, error) {
	raw := r.payload.CollectionOptions(collection)
	if raw == nil {
		return r.upload, nil
	}
	var options struct {
		UploadOptions json.RawMessage `json:"upload_options"`
	}
	field := fmt.Sprintf("process[0].collection_options[%q]", collection)
	if err := json.Unmarshal(raw, &options); err != nil {
		return uploadOptions{}, fmt.Errorf("read %s: %w", field, err)
	}
	own, err := readUploadOptions(field+".upload_options", options.UploadOptions)
	if err != nil || len(options.UploadOptions) == 0 {
		return r.upload, err
	}
	return own, nil
}

func readUploadOptions(field string, raw json.RawMessage) (uploadOptions, error) {
	var options uploadOptions
	if len(raw) == 0 {
		return options, nil
	}
	if err := json.Unmarshal(raw, &options); err != nil {
		return options, fmt.Errorf("read %s: %w", field, err)
	}
	return options, nil
}

// render is the payload with the Items as they were stored.
func (r *request) render(items []placed) ([]byte, error) {
	if len(items) == 0 {
		return r.payload.Bytes(), nil
	}
	object, err := stac.ReadObject(r.payload.Bytes())
	if err != nil {
		return nil, fmt.Errorf("read the published payload: %w", err)
	}
	features := []byte{'['}
	for i, it := range items {
		if i > 0 {
			features = append(features, ',')
		}
		features = append(features, it.body...)
	}
	object.Set("features", append(features, ']'))
	return object.AppendJSON(nil), nil
}
