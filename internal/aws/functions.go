package aws

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sundog/internal/aws/logs"
	"sundog/internal/aws/metrics"
	"sundog/internal/batch"
	"sundog/internal/bucket"
	"sundog/internal/cirrusapi"
	"sundog/internal/publish"
	"sundog/payload"
)

// API makes the HTTP API of Cirrus.
func (p *Platform) API() *cirrusapi.API {
	e := &p.opts.Environment
	api := &cirrusapi.API{Records: p.Records(), Layout: e.Layout(), Now: p.opts.Now, Catalog: p.catalog}
	if e.MetricNamespace != "" {
		api.Transitions = metrics.NewReader(p.clients.metrics(), e.MetricNamespace)
	}
	return api
}

// rootKey is where the catalog begins.
const rootKey = "catalog.json"

// catalog reads the root of the catalog.
func (p *Platform) catalog(ctx context.Context) (text []byte, location string, err error) {
	name := p.opts.Environment.DataBucket
	if name == "" {
		return nil, "", nil
	}
	text, _, err = p.Bucket(name).Get(ctx, rootKey)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, "", nil
	}
	return text, payload.Location{Bucket: name, Key: rootKey}.String(), err
}

// Exchange makes pre-batch and post-batch.
func (p *Platform) Exchange() *batch.Exchange {
	e := &p.opts.Environment
	return batch.New(batch.Config{
		Bucket: p.Bucket(e.PayloadBucket), Layout: e.Layout(), Fetcher: p, Logs: logs.New(p.clients.logs(), e.BatchLogGroup),
	})
}

// Publish makes the function publish, which takes and gives payloads by reference.
func (p *Platform) Publish() func(ctx context.Context, event []byte) ([]byte, error) {
	e := &p.opts.Environment
	publisher := publish.New(publish.Config{
		Bucket: p.Bucket(e.DataBucket), BucketName: e.DataBucket, BaseURL: p.catalogURL(), Root: publish.Root{ID: e.CatalogID}, Now: p.opts.Now,
	})
	return p.Exchange().ByReference("publish", publisher.Publish)
}

// catalogURL is where readers find the data bucket: where S3 has it, unless the environment says otherwise.
func (p *Platform) catalogURL() string {
	e, region := &p.opts.Environment, p.opts.Config.Region
	if e.CatalogURL != "" {
		return e.CatalogURL
	}
	at, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), s3.EndpointParameters{Bucket: &e.DataBucket, Region: &region})
	if err != nil { // a name that S3 would not take now
		return fmt.Sprintf("https://%s.s3.%s.amazonaws.com", e.DataBucket, region)
	}
	return at.URI.String()
}
