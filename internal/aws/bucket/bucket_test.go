package bucket_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
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

// TestElsewhere reads from a bucket in another region, which S3 names when the wrong one is asked.
func TestElsewhere(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/s3/") {
			w.WriteHeader(http.StatusMovedPermanently)
			_, _ = fmt.Fprint(w, `<Error><Code>PermanentRedirect</Code><Message>Ask there.</Message></Error>`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/none") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message>None.</Message></Error>`)
			return
		}
		_, _ = fmt.Fprint(w, "body")
	}))
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: server.Client(),
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("id", "secret", "")),
	})
	b := bucket.New(client, "afar")
	for range 2 {
		if body, _, err := b.Get(t.Context(), "k"); err != nil || string(body) != "body" {
			t.Errorf("%q, %v", body, err)
		}
	}
	if _, _, err := b.Get(t.Context(), "none"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if asked != 4 {
		t.Errorf("it was asked %d times: once in the wrong region", asked)
	}
}
