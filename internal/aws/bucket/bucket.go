// Package bucket is a bucket on S3 (package sundog/internal/bucket says what a bucket promises).
//
// Compare-and-swap stands on S3's conditional writes (Amazon S3 User Guide, Conditional requests). Two conditional writes of one object at the
// same moment may both be told of a conflict; that is the same to the caller as a condition that does not hold: read again, then write again. A
// conditional write whose answer was lost is made again by the client, and may then be told that its own first attempt was somebody else's; whoever reads
// again sees what is there.
package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"sundog/internal/bucket"
)

// Bucket is a bucket on S3. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	name   string
	region atomic.Pointer[string] // where it was found to be; nil: that of the client
}

// New makes a bucket of the one with this name, which exists.
func New(client *s3.Client, name string) *Bucket {
	return &Bucket{client: client, name: name}
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// MaxBody bounds what Get reads: a payload is some megabytes at most, and who reads more would fill a function's memory.
const MaxBody = 256 << 20

// Get returns a body of up to MaxBody bytes and its ETag, or bucket.ErrNotFound. The bucket may be in another region, as one that a payload refers to
// may be.
func (b *Bucket) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	if err := bucket.ValidKey(key); err != nil {
		return nil, "", b.failed("getting", key, err)
	}
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key}
	out, err := b.client.GetObject(ctx, in, b.there)
	if b.elsewhere(err) {
		out, err = b.client.GetObject(ctx, in, b.there)
	}
	if err != nil {
		return nil, "", b.failed("getting", key, err)
	}
	defer out.Body.Close()
	var whole bytes.Buffer
	whole.Grow(int(min(aws.ToInt64(out.ContentLength), MaxBody)) + bytes.MinRead) // so that it is read in one piece
	if _, err := whole.ReadFrom(io.LimitReader(out.Body, MaxBody+1)); err != nil {
		return nil, "", b.failed("getting", key, err)
	}
	if whole.Len() > MaxBody {
		return nil, "", b.failed("getting", key, fmt.Errorf("it has more than %d bytes", MaxBody))
	}
	return whole.Bytes(), aws.ToString(out.ETag), nil
}

// there sends a request to the region in which the bucket was found to be.
func (b *Bucket) there(o *s3.Options) {
	if region := b.region.Load(); region != nil {
		o.Region = *region
	}
}

// elsewhere reports whether S3 has said that the bucket is in a region that was not asked (Amazon S3 User Guide, Making requests: Request redirection and
// the REST API). This SDK does not follow such a redirection.
func (b *Bucket) elsewhere(err error) bool {
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || response.Response == nil {
		return false
	}
	region, asked := response.Response.Header.Get("X-Amz-Bucket-Region"), b.client.Options().Region
	if known := b.region.Load(); known != nil {
		asked = *known
	}
	if region == "" || region == asked {
		return false
	}
	b.region.Store(&region)
	return true
}

// Put stores a body under the conditions of opts, and returns its ETag. It wraps bucket.ErrPreconditionFailed, or bucket.ErrNotFound with IfMatch,
// when a condition does not hold.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error) {
	if err := bucket.ValidKey(key); err != nil {
		return "", b.failed("storing", key, err)
	}
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/octet-stream")}
	if opts.ContentType != "" {
		in.ContentType = &opts.ContentType
	}
	if opts.IfMatch != "" {
		in.IfMatch = &opts.IfMatch
	}
	if opts.IfNoneMatch {
		in.IfNoneMatch = aws.String("*")
	}
	out, err := b.client.PutObject(ctx, in)
	if err != nil {
		return "", b.failed("storing", key, err)
	}
	return aws.ToString(out.ETag), nil
}

// Delete removes an object; a key without one is not an error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := bucket.ValidKey(key); err != nil {
		return b.failed("deleting", key, err)
	}
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key}); err != nil {
		return b.failed("deleting", key, err)
	}
	return nil
}

// Stat describes an object, or returns bucket.ErrNotFound.
func (b *Bucket) Stat(ctx context.Context, key string) (bucket.Object, error) {
	if err := bucket.ValidKey(key); err != nil {
		return bucket.Object{}, b.failed("looking at", key, err)
	}
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return bucket.Object{}, b.failed("looking at", key, err)
	}
	return describe(key, out.ETag, out.ContentLength, out.LastModified), nil
}

// List returns up to limit objects (bucket.MaxListed when limit is not positive or larger) whose keys begin with prefix and come after the key
// after, in the order of the keys' bytes. It is one call, or more when S3 gives short pages.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) ([]bucket.Object, error) {
	if limit <= 0 || limit > bucket.MaxListed {
		limit = bucket.MaxListed
	}
	var page []bucket.Object
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	for len(page) < limit {
		in.MaxKeys = aws.Int32(int32(limit - len(page)))
		out, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, b.failed("listing", prefix, err)
		}
		for _, o := range out.Contents {
			page = append(page, describe(aws.ToString(o.Key), o.ETag, o.Size, o.LastModified))
		}
		if !aws.ToBool(out.IsTruncated) {
			break
		}
		in.ContinuationToken = out.NextContinuationToken
	}
	return page, nil
}

// describe makes an object of what S3 says. Its times are of seconds, in whatever form it tells them.
func describe(key string, etag *string, size *int64, modified *time.Time) bucket.Object {
	return bucket.Object{Key: key, ETag: aws.ToString(etag), Size: aws.ToInt64(size), Modified: aws.ToTime(modified).Truncate(time.Second)}
}

// failed says what was being done to what, with the domain's error for what S3 says.
func (b *Bucket) failed(doing, key string, err error) error {
	if known := kind(err); known != nil {
		err = fmt.Errorf("%w: %w", known, err)
	}
	return fmt.Errorf("%s %.200q in the bucket %s: %w", doing, key, b.name, err)
}

// kind is which of the domain's errors S3's is; nil when none. HEAD has no body, so that only the status tells; and a bucket that is
// missing is no object that is.
func kind(err error) error {
	var missing *types.NoSuchBucket
	var api smithy.APIError
	var response *awshttp.ResponseError
	if errors.As(err, &missing) || !errors.As(err, &api) || api.ErrorCode() == "NoSuchBucket" || !errors.As(err, &response) {
		return nil
	}
	switch response.HTTPStatusCode() {
	case http.StatusNotFound:
		return bucket.ErrNotFound
	case http.StatusPreconditionFailed, http.StatusConflict: // ConditionalRequestConflict: another write was under way
		return bucket.ErrPreconditionFailed
	}
	return nil
}
