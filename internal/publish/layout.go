package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"sundog/internal/bucket"
	"sundog/internal/stac"
)

// DefaultPathTemplate is upload_options.path_template where a payload has none.
const DefaultPathTemplate = "${collection}/${year}/${month}/${day}/${id}"

// itemKey is the key of an Item: its path by the template, and its id.
func (p *Publisher) itemKey(item *stac.Item, template string) (string, error) {
	if template == "" {
		template = DefaultPathTemplate
	}
	if rest, ok := strings.CutPrefix(template, "s3://"); ok {
		name, path, _ := strings.Cut(rest, "/")
		if name != p.name {
			return "", fmt.Errorf("item %q: upload_options.path_template leads to the bucket %q; publish stores in %q only", item.ID(), name, p.name)
		}
		template = path
	}
	path, err := expand(template, item)
	if err != nil {
		return "", err
	}
	key := strings.Trim(path, "/") + "/" + item.ID() + ".json"
	if err := bucket.ValidKey(key); err != nil {
		return "", fmt.Errorf("item %q: upload_options.path_template %q: %w", item.ID(), template, err)
	}
	if err := bucket.ValidKey(collectionKey(item.Collection())); err != nil {
		return "", fmt.Errorf("item %q: collection %q: %w", item.ID(), item.Collection(), err)
	}
	if base := key[strings.LastIndexByte(key, '/')+1:]; base == "catalog.json" || base == "collection.json" {
		return "", fmt.Errorf("item %q: cannot be published under this id: %s is a document of the catalog", item.ID(), base)
	}
	return key, nil
}

// expand replaces the placeholders of a template, as the LayoutTemplate of PySTAC does: ${id}, ${collection}; ${year}, ${month}
// and ${day} without leading zeros and ${date}, in UTC, of the Item's datetime or of its start when that is null; and any
// member of the Item or its properties, or inside of them with dots: ${eo:cloud_cover}, ${proj:centroid.lat}.
func expand(template string, item *stac.Item) (string, error) {
	var path strings.Builder
	for rest := template; ; {
		text, after, found := strings.Cut(rest, "${")
		path.WriteString(text)
		if !found {
			return path.String(), nil
		}
		name, following, closed := strings.Cut(after, "}")
		if !closed {
			return "", fmt.Errorf("upload_options.path_template %q: a placeholder is not closed with }", template)
		}
		value, err := placeholder(name, item)
		if err != nil {
			return "", fmt.Errorf("item %q: upload_options.path_template: ${%s} %w", item.ID(), name, err)
		}
		path.WriteString(value)
		rest = following
	}
}

func placeholder(name string, item *stac.Item) (string, error) {
	switch name {
	case "id":
		return item.ID(), nil
	case "collection":
		return item.Collection(), nil
	case "year":
		return fmt.Sprint(item.Time().Year()), nil
	case "month":
		return fmt.Sprint(int(item.Time().Month())), nil
	case "day":
		return fmt.Sprint(item.Time().Day()), nil
	case "date":
		return item.Time().Format("2006-01-02"), nil
	}
	raw, ok := lookUp(name, item)
	if !ok {
		return "", errors.New("is neither a member nor a property of the item")
	}
	value := gjson.ParseBytes(raw)
	switch value.Type {
	case gjson.String:
		return value.Str, nil
	case gjson.Number, gjson.True, gjson.False:
		return value.Raw, nil
	default:
		return "", fmt.Errorf("is %.40s, which cannot be part of a path", value.Raw)
	}
}

// lookUp finds a member or property, whole or by the parts between its dots.
func lookUp(name string, item *stac.Item) (json.RawMessage, bool) {
	for _, get := range []func(string) (json.RawMessage, bool){item.Member, item.Property} {
		if raw, ok := get(name); ok {
			return raw, true
		}
	}
	first, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return nil, false
	}
	for _, get := range []func(string) (json.RawMessage, bool){item.Member, item.Property} {
		raw, ok := get(first)
		for part := range strings.SplitSeq(rest, ".") {
			if !ok {
				break
			}
			var object *stac.Object
			if object, _ = stac.ParseObject(raw); object == nil {
				ok = false
				break
			}
			raw, ok = object.Get(part)
		}
		if ok {
			return raw, true
		}
	}
	return nil, false
}
