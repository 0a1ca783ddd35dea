package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"sundog/internal/aws/config"
	"sundog/internal/problem"
)

const profiles = `
[profile plain]
region = eu-central-1
aws_access_key_id = AK
aws_secret_access_key = SK
[profile session]
region = us-west-2
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Operator
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.example/start
[profile nowhere]
aws_access_key_id = AK
aws_secret_access_key = SK
[profile empty]
region = us-west-2
`

// service answers each request with a status and a body. It returns where.
func service(t *testing.T, status int, header, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// machine is one with only those profiles, and variables beside them.
func machine(t *testing.T, env map[string]string) {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir)
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// get reads an item of a table, once.
func get(t *testing.T, cfg aws.Config) error {
	t.Helper()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	_, err := dynamodb.NewFromConfig(cfg).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("state")})
	if err == nil {
		t.Fatal("a request succeeded")
	}
	return fmt.Errorf("describing the table state: %w", err)
}

func TestLoad(t *testing.T) {
	machine(t, nil)
	cfg, err := config.Load(t.Context(), config.Options{Profile: "plain"})
	if err != nil || cfg.Region != "eu-central-1" || cfg.RetryMode != aws.RetryModeAdaptive || cfg.RetryMaxAttempts != config.Attempts {
		t.Errorf("%+v, %v", cfg, err)
	}
	c, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "AK" {
		t.Errorf("%+v, %v", c, err)
	}
	if cfg, err = config.Load(t.Context(), config.Options{Profile: "plain", Region: "us-east-2"}); err != nil || cfg.Region != "us-east-2" {
		t.Errorf("%s, %v", cfg.Region, err)
	}
}

// TestQuiet has the SDK find out that the machine refuses to name its role, of which it warns where nobody tells it to be silent.
func TestQuiet(t *testing.T) {
	machine(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": service(t, http.StatusForbidden, "", "")})
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file
	t.Cleanup(func() { os.Stderr = before })
	cfg, err := config.Load(t.Context(), config.Options{Profile: "empty"})
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Explain(get(t, cfg)); err.Error() != "there are no AWS credentials of the profile empty" {
		t.Error(err)
	}
	if said, err := os.ReadFile(file.Name()); err != nil || len(said) > 0 {
		t.Errorf("%s, %v", said, err)
	}
}

// TestRefused is about what is wrong before a request is made, or in the making of its signature.
func TestRefused(t *testing.T) {
	const denied = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: u is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`
	for _, tt := range []struct {
		name   string
		opts   config.Options
		status int // of every service
		body   string
		kind   problem.Kind
		text   string
		hint   string
	}{
		{"no such profile", config.Options{Profile: "gone"}, 0, "", problem.Invalid, `there is no AWS profile "gone": failed to get shared config profile, gone`, "--profile"},
		{"no region", config.Options{Profile: "nowhere"}, 0, "", problem.Invalid, "no AWS region is configured", "--region, or run: aws configure set region REGION --profile nowhere"},
		{"no SSO session", config.Options{Profile: "session"}, 0, "", problem.Unauthorized, "the SSO session of the profile session has expired, or was never begun", "aws sso login --profile session"},
		{"no credentials", config.Options{Profile: "empty"}, 0, "", problem.Unauthorized, "there are no AWS credentials of the profile empty", "aws configure sso"},
		{
			"role refused",
			config.Options{Profile: "plain", RoleARN: "arn:aws:iam::1:role/r"},
			403, denied, problem.Forbidden,
			"the role arn:aws:iam::1:role/r cannot be assumed: access was denied to sts:AssumeRole: User: u is not authorized to perform: sts:AssumeRole", "trust policy",
		},
		{"role without a session", config.Options{Profile: "session", RoleARN: "arn:aws:iam::1:role/r"}, 0, "", problem.Unauthorized, "the SSO session of the profile session has expired, or was never begun", "aws sso login --profile session"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			machine(t, nil)
			if tt.status != 0 {
				t.Setenv("AWS_ENDPOINT_URL", service(t, tt.status, "", tt.body))
			}
			cfg, err := config.Load(t.Context(), tt.opts)
			if err == nil {
				err = get(t, cfg)
				if plain, want := config.Plainly(err), "describing the table state: "+tt.text; plain.Error() != want || problem.KindOf(plain) != tt.kind {
					t.Errorf("told plainly: %v, want %s", plain, want)
				}
				err = config.Explain(err)
			}
			if problem.KindOf(err) != tt.kind || err.Error() != tt.text || !strings.Contains(problem.HintOf(err), tt.hint) {
				t.Errorf("%v: %q, hint %q; want %v: %q, hint %q", problem.KindOf(err), err, problem.HintOf(err), tt.kind, tt.text, tt.hint)
			}
		})
	}
}

// TestExplained is about what a service answers.
func TestExplained(t *testing.T) {
	failure := func(code, message string) string {
		return fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message)
	}
	for _, tt := range []struct {
		status int
		body   string
		kind   problem.Kind
		text   string
	}{
		{400, failure("AccessDeniedException", "User: u is not authorized to perform: dynamodb:DescribeTable on resource: r"), problem.Forbidden, "access was denied to dynamodb:DescribeTable: User: u is not authorized to perform: dynamodb:DescribeTable on resource: r"},
		{400, failure("ExpiredTokenException", "The security token included in the request is expired"), problem.Unauthorized, "the credentials have expired, dynamodb refused DescribeTable: The security token included in the request is expired"},
		{400, failure("UnrecognizedClientException", "The security token included in the request is invalid."), problem.Unauthorized, "dynamodb does not know the credentials that DescribeTable was signed with: The security token included in the request is invalid."},
		{400, failure("ResourceNotFoundException", "Requested resource not found"), problem.NotFound, "dynamodb has no such resource for DescribeTable: Requested resource not found"},
		{400, failure("ThrottlingException", "Rate exceeded"), problem.Limit, "dynamodb throttles DescribeTable: Rate exceeded"},
		{400, failure("ProvisionedThroughputExceededException", "slow down"), problem.Limit, "dynamodb throttles DescribeTable: slow down"},
		{500, failure("InternalServerError", "oops"), problem.Unavailable, "dynamodb cannot answer DescribeTable now (InternalServerError): oops"},
		{400, failure("ValidationException", "no"), problem.Internal, "dynamodb refused DescribeTable (ValidationException): no"},
	} {
		machine(t, map[string]string{"AWS_ENDPOINT_URL": service(t, tt.status, "Content-Type: application/x-amz-json-1.0", tt.body)})
		cfg, err := config.Load(t.Context(), config.Options{Profile: "plain"})
		if err != nil {
			t.Fatal(err)
		}
		err = config.Explain(get(t, cfg))
		var api smithy.APIError
		if want := "describing the table state: " + tt.text; problem.KindOf(err) != tt.kind || err.Error() != want || !errors.As(err, &api) {
			t.Errorf("%v: %q; want %v: %q", problem.KindOf(err), err, tt.kind, want)
		}
	}
}

func TestOtherServicesExplained(t *testing.T) {
	machine(t, map[string]string{
		"AWS_ENDPOINT_URL_SQS": service(t, 400, "Content-Type: application/x-amz-json-1.0", `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`),
		"AWS_ENDPOINT_URL_S3":  service(t, 403, "Content-Type: application/xml", `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`),
		"AWS_ENDPOINT_URL":     "http://127.0.0.1:1",
	})
	cfg, err := config.Load(t.Context(), config.Options{Profile: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	_, noQueue := sqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("http://q")})
	_, denied := s3.NewFromConfig(cfg).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if got := config.Plainly(fmt.Errorf("looking: %w", noQueue)); got.Error() != "looking: sqs has no such resource for ReceiveMessage: The specified queue does not exist." ||
		!errors.Is(got, noQueue) || problem.KindOf(got) != problem.Internal {
		t.Errorf("told plainly: %v", got)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: config.LogAttr})).Info("m", "error", noQueue, "other", errors.New("as it is"), "nothing", nil)
	if said := log.String(); !strings.Contains(said, `error="sqs has no such resource for ReceiveMessage: The specified queue does not exist." other="as it is" nothing=<nil>`) {
		t.Error(said)
	}
	for _, tt := range []struct {
		err  error
		kind problem.Kind
		text string
	}{
		{noQueue, problem.NotFound, "sqs has no such resource for ReceiveMessage: The specified queue does not exist."},
		{denied, problem.Forbidden, "access was denied to s3:GetObject: Access Denied"},
		{get(t, cfg), problem.Unavailable, "dynamodb cannot be reached for DescribeTable"},
	} {
		if err := config.Explain(tt.err); problem.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) || problem.HintOf(err) == "" {
			t.Errorf("%v: %q, hint %q; want %v: %q", problem.KindOf(err), err, problem.HintOf(err), tt.kind, tt.text)
		}
	}
	for _, other := range []error{nil, errors.New("other"), problem.New(problem.Conflict, "of our own")} {
		if got := config.Explain(other); !errors.Is(got, other) || other != nil && got.Error() != other.Error() {
			t.Errorf("%v is explained: %v", other, got)
		}
	}
}
