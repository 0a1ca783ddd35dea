package config

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"sundog/internal/problem"
)

// source is where credentials come from.
type source struct{ profile, role string }

// explained are credentials whose errors say what to do. They keep what they were made of, so that nobody who asks waits twice.
type explained struct {
	aws.CredentialsProvider
	from source
}

// Retrieve is how clients ask for credentials.
func (e *explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := e.CredentialsProvider.Retrieve(ctx)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	return c, e.from.explain(err)
}

// explain says why there are no credentials. What the credentials of the role are made with has explained itself.
func (s source) explain(err error) error {
	var known *problem.Error
	if errors.As(err, &known) {
		return err
	}
	if s.role != "" {
		return problem.Wrap(problem.Forbidden, plain(err), "the role %s cannot be assumed", s.role).
			WithHint("its trust policy has to name who asks, and who asks needs sts:AssumeRole on it")
	}
	of := ""
	if s.profile != "" {
		of = " of the profile " + s.profile
	}
	if isSSO(err) {
		return tell(problem.Unauthorized, err, "the SSO session"+of+" has expired, or was never begun", "run: aws sso login"+profileFlag(s.profile))
	}
	if service(err) == "ec2imds" { // the last that is asked: no other place had any
		return tell(problem.Unauthorized, err, "there are no AWS credentials"+of,
			"set AWS_PROFILE or give --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws configure sso")
	}
	return problem.Wrap(problem.Unauthorized, plain(err), "the AWS credentials%s cannot be used", of).
		WithHint("`aws sts get-caller-identity%s` shows whether they are good", profileFlag(s.profile))
}

// isSSO recognises the errors of a session of IAM Identity Center, most of which have no type.
func isSSO(err error) bool {
	var invalid *ssocreds.InvalidTokenError
	var file *fs.PathError
	switch {
	case errors.As(err, &invalid):
		return true
	case errors.As(err, &file):
		return strings.Contains(file.Path, "/sso/cache/")
	}
	if s := service(err); s == "SSO" || s == "SSO OIDC" {
		var api smithy.APIError
		return errors.As(err, &api)
	}
	return strings.Contains(err.Error(), "cached SSO token")
}

// service is that of the operation that failed, or empty.
func service(err error) string {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return op.Service()
	}
	return ""
}

// quieted is an error that is known in full by those who look for its cause, and says less.
type quieted struct {
	text  string
	cause error
}

func (q *quieted) Error() string { return q.text }
func (q *quieted) Unwrap() error { return q.cause }

// tell makes a problem whose text is that and nothing else, with the cause in its chain.
func tell(kind problem.Kind, cause error, text, hint string) *problem.Error {
	return &problem.Error{Kind: kind, Hint: hint, Err: &quieted{text, cause}}
}
