package asl

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"sundog/itemreader"
)

// maxLabel is the number of characters that a Label may have (Developer Guide, "Using Map state in Distributed mode").
const maxLabel = 40

// label is the name that a Map state has in the ARNs of its runs and of their children. A state without one has a name of its own that
// does not change from run to run.
func (p *parser) label(s *state, o *object, label string) string {
	switch {
	case label == "":
		sum := sha256.Sum256([]byte(s.name))
		return newUUID(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]))
	case utf8.RuneCountInString(label) > maxLabel:
		o.errorf("Label", "The field 'Label' must not have more than %d characters", maxLabel)
	case strings.ContainsAny(label, " \t\r\n?*<>{}[]:;,\\|^~$#%&`\"/") || strings.ContainsFunc(label, func(c rune) bool { return c < ' ' || c >= 0x7f && c <= 0x9f }):
		o.errorf("Label", "The field 'Label' must not have white space, control characters or any of ? * < > { } [ ] : ; , \\ | ^ ~ $ # %% & ` \" /")
	}
	return label
}

// resourceOf reads the Resource of an ItemReader or ResultWriter: one of some actions of S3.
func (o *object) resourceOf(actions ...string) string {
	resource, ok := o.string("Resource")
	if !ok {
		return ""
	}
	parts := strings.SplitN(resource, ":", 6)
	for _, action := range actions {
		if len(parts) == 6 && parts[0] == "arn" && strings.Join(parts[2:], ":") == "states:::s3:"+action {
			return action
		}
	}
	o.errorf("Resource", "The resource provided %s is not recognized. It must be arn:aws:states:::s3:%s", resource, strings.Join(actions, " or arn:aws:states:::s3:"))
	return ""
}

// parametersOf takes Parameters, which JSONata calls Arguments.
func (o *object) parametersOf(jsonata bool) *template {
	if jsonata {
		return o.objectOrExpression("Arguments", true)
	}
	return o.objectOrExpression("Parameters", false)
}

// itemReader reads ItemReader (Developer Guide, "ItemReader (Map)").
func (p *parser) itemReader(s *state, o *object) *readerSpec {
	n := o.ofKind("ItemReader", '{')
	if n == nil {
		return nil
	}
	reader := p.object(n, pointer(o.at, "ItemReader"))
	reader.require("Resource")
	r := &readerSpec{list: reader.resourceOf("getObject", "listObjectsV2") == "listObjectsV2", parameters: reader.parametersOf(s.jsonata)}
	if n := reader.ofKind("ReaderConfig", '{'); n != nil {
		c := p.object(n, pointer(reader.at, "ReaderConfig"))
		p.readerConfig(r, c, s.jsonata)
		c.finish()
	}
	if d := &r.config; d.Flatten && (d.Format == "" || d.Format == itemreader.Manifest || !r.list) {
		reader.errorf("ReaderConfig", "The Transformation LOAD_AND_FLATTEN is for s3:listObjectsV2 with an InputType of CSV, JSON, JSONL or PARQUET")
	}
	reader.finish()
	return r
}

// readerConfig reads ReaderConfig.
func (p *parser) readerConfig(r *readerSpec, c *object, jsonata bool) {
	d := &r.config
	d.Format = itemreader.Format(c.oneOf("InputType", "CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"))
	d.Manifest = itemreader.ManifestType(c.oneOf("ManifestType", "S3_INVENTORY", "ATHENA_DATA"))
	d.Delimiter = itemreader.Delimiter(c.oneOf("CSVDelimiter", "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"))
	d.Flatten = c.oneOf("Transformation", "NONE", "LOAD_AND_FLATTEN") == "LOAD_AND_FLATTEN"
	location := c.oneOf("CSVHeaderLocation", "FIRST_ROW", "GIVEN")
	d.FirstRow = location == "FIRST_ROW"
	headers := c.ofKind("CSVHeaders", '[')
	if headers != nil {
		for _, item := range headers.items {
			if item.kind != '"' {
				c.errorf("CSVHeaders", "The field 'CSVHeaders' must be an array of strings")
				break
			}
			d.Headers = append(d.Headers, item.str)
		}
	}
	switch {
	case d.Format == itemreader.CSV && location == "":
		c.errorf("", "The field 'CSVHeaderLocation' is required but was missing")
	case location == "GIVEN" && headers == nil:
		c.errorf("", "The field 'CSVHeaders' is required but was missing")
	}
	r.maxItems = p.bounded(c, "MaxItems", jsonata, 0, math.MaxInt64)
	if d.Pointer, _ = c.string("ItemsPointer"); d.Pointer != "" && !strings.HasPrefix(d.Pointer, "/") {
		c.errorf("ItemsPointer", "The field 'ItemsPointer' must be a JSON pointer, which begins with '/'")
	}
}

// oneOf takes a string that is one of some; "" when it is missing.
func (o *object) oneOf(field string, values ...string) string {
	value, ok := o.string(field)
	for _, v := range values {
		if v == value {
			return value
		}
	}
	if ok {
		o.errorf(field, "The field '%s' should have one of these values: [%s]", field, strings.Join(values, ", "))
	}
	return ""
}

// itemBatcher reads ItemBatcher (Developer Guide, "ItemBatcher (Map)").
func (p *parser) itemBatcher(s *state, o *object) *batcherSpec {
	n := o.ofKind("ItemBatcher", '{')
	if n == nil {
		return nil
	}
	c := p.object(n, pointer(o.at, "ItemBatcher"))
	b := &batcherSpec{
		maxItems: p.bounded(c, "MaxItemsPerBatch", s.jsonata, 1, math.MaxInt64),
		maxBytes: p.bounded(c, "MaxInputBytesPerBatch", s.jsonata, 1, maxBatchBytes),
		input:    c.objectOrExpression("BatchInput", s.jsonata),
	}
	if b.maxItems == nil && b.maxBytes == nil {
		c.errorf("", "One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]")
	}
	c.finish()
	return b
}

// maxBatchBytes is the upper bound of MaxInputBytesPerBatch.
const maxBatchBytes = 256 << 10

// resultWriter reads ResultWriter (Developer Guide, "ResultWriter (Map)").
func (p *parser) resultWriter(s *state, o *object) *writerSpec {
	n := o.ofKind("ResultWriter", '{')
	if n == nil {
		return nil
	}
	c := p.object(n, pointer(o.at, "ResultWriter"))
	w := &writerSpec{}
	config := c.ofKind("WriterConfig", '{')
	if config != nil {
		wc := p.object(config, pointer(c.at, "WriterConfig"))
		w.transformation = Transformation(wc.oneOf("Transformation", string(TransformNone), string(TransformCompact), string(TransformFlatten)))
		w.lines = wc.oneOf("OutputType", "JSON", "JSONL") == "JSONL"
		wc.finish()
	}
	if c.has("Resource") {
		c.resourceOf("putObject")
		if w.parameters = c.parametersOf(s.jsonata); w.parameters == nil && !p.lone {
			c.errorf("", "The field '%s' is required but was missing", map[bool]string{false: "Parameters", true: "Arguments"}[s.jsonata])
		}
	} else if config == nil {
		c.errorf("", "The field 'Resource' is required but was missing")
	}
	c.finish()
	return w
}
