// Package awstest gives tests services of AWS that run on this machine: dynalite (DynamoDB) and fauxqs (S3, SQS, SNS), which others wrote, as
// child processes, gofakes3 (S3 with conditional writes) and Sundog's own server (Step Functions, DynamoDB with its streams) in the process of the
// test. It is for tests only.
//
// SUNDOG_STANDINS names the folder of the child processes: testdata/standins after `npm ci --ignore-scripts` there, on Linux on amd64. A test that
// needs them is skipped when it is unset. They listen on loopback at free ports, and end with the test, also when its process is killed: their standard input
// ends then.
//
// A service without a stand-in is played from recorded documents: see Recorded.
package awstest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Where the stand-ins say that they are.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// nowhere is an address at which nothing answers.
const nowhere = "http://127.0.0.1:1"

// A Standin is one of the programs that play services of AWS.
type Standin string

// The stand-ins.
const (
	Dynalite Standin = "dynalite" // DynamoDB without transactions, streams, expiry, or the item of a condition that failed
	Fauxqs   Standin = "fauxqs"   // SQS, SNS; S3 without conditional writes when Gofakes3 is not asked for
	Gofakes3 Standin = "gofakes3" // S3
	Sundog   Standin = "sundog"   // Step Functions; DynamoDB and its streams when Dynalite is not asked for
)

// Options say what is started.
type Options struct {
	// Standins are those that are wanted; all when empty.
	Standins []Standin
	// Project is what sundog.yaml says beside the name, for Sundog: functions that workflows call, say.
	Project string
}

// AWS is a set of stand-ins that run until their test ends.
type AWS struct {
	urls   map[Standin]string
	client *http.Client
}

// Start starts stand-ins, and skips the test when one of them is wanted that is not installed.
func Start(t testing.TB, opts Options) *AWS {
	t.Helper()
	if len(opts.Standins) == 0 {
		opts.Standins = []Standin{Dynalite, Fauxqs, Gofakes3, Sundog}
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	a := &AWS{urls: map[Standin]string{}, client: &http.Client{Transport: transport}}
	for _, s := range opts.Standins {
		switch s {
		case Sundog:
			a.urls[s] = startSundog(t, opts.Project)
		case Gofakes3:
			a.urls[s] = startObjects(t)
		default:
			a.urls[s] = startProcess(t, s)
		}
	}
	t.Cleanup(transport.CloseIdleConnections) // before they end: a server waits for connections on which nothing was asked yet
	return a
}

// URL is where a stand-in that was asked for answers.
func (a *AWS) URL(s Standin) string { return a.urls[s] }

// endpoints are where services answer, by what environment variables call them: S3, DYNAMODB.
func (a *AWS) endpoints() map[string]string {
	e := map[string]string{}
	for service, standins := range map[string][]Standin{ // the first that was asked for
		"S3": {Gofakes3, Fauxqs}, "SQS": {Fauxqs}, "SNS": {Fauxqs}, "STS": {Fauxqs}, "DYNAMODB": {Dynalite, Sundog}, "DYNAMODB_STREAMS": {Sundog}, "SFN": {Sundog},
	} {
		// Where nobody listens, a test cannot reach AWS by mistake.
		e[service] = nowhere
		if i := slices.IndexFunc(standins, func(s Standin) bool { return a.urls[s] != "" }); i >= 0 {
			e[service] = a.urls[standins[i]]
		}
	}
	return e
}

// Config is a configuration with which clients of AWS's SDK reach the stand-ins. A service of a stand-in that was not asked for is not
// reachable.
func (a *AWS) Config() aws.Config {
	return aws.Config{
		Region:        Region,
		HTTPClient:    a.client,
		Credentials:   credentials.NewStaticCredentialsProvider("sundog", "secret", ""),
		BaseEndpoint:  aws.String(nowhere),
		ConfigSources: []any{sources(a.endpoints())},
	}
}

// Environ is the same for a process: environment variables of AWS's SDKs, each as NAME=VALUE.
func (a *AWS) Environ() []string {
	endpoints := a.endpoints()
	env := make([]string, 0, 7+len(endpoints))
	env = append(env, "AWS_REGION="+Region, "AWS_ACCESS_KEY_ID=sundog", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL="+nowhere, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	for _, service := range slices.Sorted(maps.Keys(endpoints)) {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+endpoints[service])
	}
	return env
}

// sources is what clients ask for the endpoint of their service.
type sources map[string]string

// GetServiceBaseEndpoint is how aws.Config.ConfigSources are asked.
func (s sources) GetServiceBaseEndpoint(_ context.Context, service string) (url string, found bool, err error) {
	url, found = s[strings.ToUpper(strings.ReplaceAll(service, " ", "_"))]
	return url, found, nil
}

// Name makes a name that no other call makes, for a bucket, a queue, a topic or a table: lower case, at most 63 characters.
func Name(prefix string) string {
	return fmt.Sprintf("%.40s-%s", prefix, strings.ToLower(rand.Text()[:16]))
}
