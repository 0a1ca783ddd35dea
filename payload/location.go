package payload

import (
	"fmt"
	"strings"
)

// Location is an object in a bucket.
type Location struct{ Bucket, Key string }

const locationScheme = "s3://"

// ParseLocation reads `s3://<bucket>/<key>`. The key is all that follows, `?`, `#` and `%` included. It may be empty.
func ParseLocation(url string) (Location, error) {
	rest, ok := strings.CutPrefix(url, locationScheme)
	if !ok {
		return Location{}, fmt.Errorf("URL %q does not begin with %s", url, locationScheme)
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return Location{}, fmt.Errorf("URL %q names no bucket", url)
	}
	return Location{bucket, key}, nil
}

// String is the URL.
func (l Location) String() string { return locationScheme + l.Bucket + "/" + l.Key }

// DefaultRoot is the root of the payload bucket's keys where no other is configured.
const DefaultRoot = "cirrus"

// Layout says where documents lie in the payload bucket. Root is taken as it is, an empty one too.
type Layout struct {
	Bucket string
	// Root is the first part of every key (CIRRUS_PAYLOAD_ROOT_PREFIX, else DefaultRoot).
	Root string
}

// Input is the payload that an execution was started with. It is kept.
func (l Layout) Input(payloadID, executionName string) Location {
	return l.execution(payloadID, executionName, "input.json")
}

// Output is the payload that an execution gave back. It is kept.
func (l Layout) Output(payloadID, executionName string) Location {
	return l.execution(payloadID, executionName, "output.json")
}

func (l Layout) execution(payloadID, executionName, name string) Location {
	return Location{l.Bucket, l.Executions() + "/" + payloadID + "/" + executionName + "/" + name}
}

// Oversized is a payload that goes by reference because of its length. It is kept for ten days.
func (l Layout) Oversized(unique string) Location {
	return Location{l.Bucket, l.Root + "/tmp/oversized/" + unique + ".json"}
}

// Invalid is a record that could not be processed. It is kept for ten days.
func (l Layout) Invalid(unique string) Location {
	return Location{l.Bucket, l.Root + "/tmp/invalid/" + unique + ".json"}
}

// Batch is the payload of a Batch job, or its result. It is kept for ten days.
func (l Layout) Batch(payloadID, unique string) Location {
	return Location{l.Bucket, l.Root + "/tmp/batch/" + payloadID + "/" + unique + ".json"}
}

// Executions is the prefix of everything that is kept.
func (l Layout) Executions() string { return l.Root + "/executions" }

// Temporary is the prefix of everything that is kept for ten days.
func (l Layout) Temporary() string { return l.Root + "/tmp" }
