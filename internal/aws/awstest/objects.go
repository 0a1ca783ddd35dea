package awstest

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// startObjects serves S3 in this process, and returns where. It ends with the test.
func startObjects(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(gofakes3.New(&objects{s3mem.New()}).Server())
	t.Cleanup(server.Close)
	return server.URL
}

// objects answers a write with If-Match to a key that has no object as S3 does (Amazon S3 User Guide, How to prevent object overwrites with conditional
// writes): with 404, not 412.
type objects struct{ *s3mem.Backend }

// PutObject is how gofakes3 stores an object.
func (o *objects) PutObject(bucket, key string, meta map[string]string, input io.Reader, size int64, conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	result, err := o.Backend.PutObject(bucket, key, meta, input, size, conditions)
	if conditions != nil && conditions.IfMatch != nil && gofakes3.HasErrorCode(err, gofakes3.ErrPreconditionFailed) {
		if _, missing := o.HeadObject(bucket, key); gofakes3.HasErrorCode(missing, gofakes3.ErrNoSuchKey) {
			err = missing
		}
	}
	return result, err
}
