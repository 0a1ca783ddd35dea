// Package bucket is the vocabulary of object storage: what every bucket promises about keys, conditions and errors, whatever
// holds the bytes. It implements none. Consumers declare the few methods they need; package buckettest holds the suite that
// every implementation passes.
//
// A bucket maps keys to bodies. A write is atomic and durable when it returns: a reader sees the old body or the new one, never
// a part. Each body has an ETag, which changes when the body changes and makes compare-and-swap possible through
// PutOptions.IfMatch. Keys are taken whole: '?', '#' and '%' are characters like any other.
package bucket

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of a bucket. Implementations wrap them with the operation and the key.
var (
	// ErrNotFound is returned by Get and Stat, and by a Put with IfMatch, for a key that has no object.
	ErrNotFound = errors.New("no such object")
	// ErrPreconditionFailed is returned by a Put whose condition does not hold; the object is as it was.
	ErrPreconditionFailed = errors.New("object was changed by another writer")
	// ErrInvalidKey is returned for a key that ValidKey refuses.
	ErrInvalidKey = errors.New("invalid object key")
	// ErrKeyConflict is returned by a bucket of plain files for a key that would need a file where a folder is, or the reverse
	// ("a" and "a/b"). The objects are as they were.
	ErrKeyConflict = errors.New("key is both an object and the folder of another")
)

// MaxKeyBytes is the length limit of a key, which is S3's.
const MaxKeyBytes = 1024

// MaxListed is the number of objects that one List returns at most.
const MaxListed = 1000

// PutOptions are the conditions and the metadata of a Put. At most one condition may be set.
type PutOptions struct {
	// ContentType is the media type, "application/octet-stream" when empty. A bucket of plain files does not keep it and derives
	// it from the key's extension.
	ContentType string
	// IfMatch makes the write conditional on the object having this ETag at the moment of the write.
	IfMatch string
	// IfNoneMatch makes the write conditional on the key having no object.
	IfNoneMatch bool
}

// Object describes a stored object.
type Object struct {
	Key      string
	ETag     string
	Size     int64 // bytes
	Modified time.Time
}

// ValidKey reports why a key cannot be used, wrapping ErrInvalidKey, or nil. A key is UTF-8 of 1 to MaxKeyBytes bytes; its
// segments between slashes are not empty, "." or "..", and hold no NUL. What passes can neither climb out of a folder nor name
// the same file as another key.
func ValidKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: it is empty", ErrInvalidKey)
	case len(key) > MaxKeyBytes:
		return fmt.Errorf("%w: %d bytes, the limit is %d: %.60q…", ErrInvalidKey, len(key), MaxKeyBytes, key)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: not UTF-8: %q", ErrInvalidKey, key)
	case strings.ContainsRune(key, 0):
		return fmt.Errorf("%w: it holds a NUL: %q", ErrInvalidKey, key)
	}
	for segment := range strings.SplitSeq(key, "/") {
		switch segment {
		case "":
			return fmt.Errorf("%w: it has an empty segment: %q", ErrInvalidKey, key)
		case ".", "..":
			return fmt.Errorf("%w: it has the segment %q: %q", ErrInvalidKey, segment, key)
		}
	}
	return nil
}
