package bucket_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/bucket"
	"sundog/internal/aws/config"
	domain "sundog/internal/bucket"
	"sundog/internal/bucket/buckettest"
	"sundog/internal/problem"
)

func TestConformance(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Gofakes3}})
	client := s3.NewFromConfig(a.Config())
	buckettest.Run(t, func(t *testing.T) buckettest.Bucket { return bucket.New(client, a.Bucket(t)) })
}

// TestNoBucket is about a bucket that is not there, which must not be taken for an object that is not there: what depends on that would be written anew.
func TestNoBucket(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Gofakes3}})
	b := bucket.New(s3.NewFromConfig(a.Config()), "nothing-here")
	_, _, getErr := b.Get(t.Context(), "a")
	_, putErr := b.Put(t.Context(), "a", []byte("x"), domain.PutOptions{})
	_, listErr := b.List(t.Context(), "", "", 0)
	for _, err := range []error{getErr, putErr, listErr} {
		if err == nil || errors.Is(err, domain.ErrNotFound) || !strings.Contains(err.Error(), "in the bucket nothing-here") || problem.KindOf(config.Explain(err)) != problem.NotFound {
			t.Errorf("%v", err)
		}
	}
}
