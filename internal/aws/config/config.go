// Package config makes the configuration with which clients of AWS's services are built, and says in plain words what AWS's errors mean.
//
// # Promises
//
//   - Credentials, profiles, regions and endpoints are found where every AWS tool finds them (AWS SDKs and Tools Reference Guide, Settings
//     reference): environment variables, ~/.aws, the role of a function or a machine. AWS_ENDPOINT_URL_<SERVICE> names another endpoint.
//   - What AWS throttles is tried again, later and later, at a rate that adapts to the service: Attempts times in all. What is still throttled
//     then is an error that may pass. When a context ends meanwhile, the error tells of both.
//   - One pool of connections serves all clients that are built from one configuration.
//   - The SDK writes nothing to standard error.
//   - Nothing is called: wrong credentials show with the first request, and Explain says what is wrong with them.
package config

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"sundog/internal/problem"
)

// Attempts is how often a request is made at most, the first time included.
const Attempts = 6

// What one configuration's connections are bound by.
const (
	idleConnections = 64 // kept for each host: as many requests as handlers make at one time
	dialTime        = 5 * time.Second
)

// Options say what is not taken from the environment.
type Options struct {
	// Profile is one of ~/.aws/config; the environment's when empty.
	Profile string
	// Region goes before that of the environment and the profile.
	Region string
	// RoleARN is a role that is assumed with the credentials that are found; none when empty.
	RoleARN string
}

// Load makes a configuration. A profile that does not exist, a file that cannot be read and a missing region are problems of kind Invalid, with
// a hint.
func Load(ctx context.Context, opts Options) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithSharedConfigProfile(opts.Profile),
		awsconfig.WithRegion(opts.Region),
		awsconfig.WithRetryMode(aws.RetryModeAdaptive),
		awsconfig.WithRetryMaxAttempts(Attempts),
		awsconfig.WithHTTPClient(client()),
		awsconfig.WithAppID("sundog"),
		awsconfig.WithAPIOptions([]func(*middleware.Stack) error{keepCause}),
		awsconfig.WithLogger(logging.Nop{}), // what it warns of is in the errors, and standard error belongs to whoever logs
	)
	if err != nil {
		return aws.Config{}, explainLoad(err)
	}
	if cfg.Region == "" {
		return aws.Config{}, problem.New(problem.Invalid, "no AWS region is configured").
			WithHint("set AWS_REGION, give --region, or run: aws configure set region REGION%s", profileFlag(opts.Profile))
	}
	cfg.Credentials = &explained{cfg.Credentials, source{profile: opts.Profile}}
	if opts.RoleARN != "" {
		assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), opts.RoleARN, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "sundog" })
		cfg.Credentials = &explained{aws.NewCredentialsCache(assume), source{profile: opts.Profile, role: opts.RoleARN}}
	}
	return cfg, nil
}

// client is the pool of connections of all clients.
func client() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 4*idleConnections, idleConnections
		t.TLSHandshakeTimeout = dialTime
	})
}

func explainLoad(err error) error {
	if missing, ok := errors.AsType[awsconfig.SharedConfigProfileNotExistError](err); ok {
		return problem.Wrap(problem.Invalid, err, "there is no AWS profile %q", missing.Profile).
			WithHint("`aws configure list-profiles` shows those there are; --profile or AWS_PROFILE names one")
	}
	return problem.Wrap(problem.Invalid, err, "reading the AWS configuration").WithHint("mend ~/.aws/config, ~/.aws/credentials or the AWS_ variables")
}

// profileFlag is what the commands of the AWS command line are given to use a profile.
func profileFlag(profile string) string {
	if profile == "" {
		return ""
	}
	return " --profile " + profile
}
