// Package parameter reads from the parameter store of Systems Manager (SSM) which deployments there are on AWS, and what their environments
// are. The form is that of Cirrus: below /cirrus/deployments/ there is a pointer for each deployment, a JSON document
//
//	{"type": "parameter_store", "value": "/some/path/"}
//
// whose value is the path below which there is a parameter for each variable of the deployment.
//
// # Promises
//
//   - Lists are read to their end, and encrypted parameters decrypted.
//   - It writes nothing.
package parameter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Pointers is the path below which the pointers are.
const Pointers = "/cirrus/deployments/"

// maxVariables bounds the parameters of one deployment: a pointer to the root of a large store is a mistake.
const maxVariables = 1000

// Errors of this package. They are wrapped with the name of the deployment.
var (
	// ErrNoDeployment: there is no pointer of this name in the account and region.
	ErrNoDeployment = errors.New("the parameter store has no deployment of this name")
	// ErrInvalid: a pointer, or what it points to, is of another form.
	ErrInvalid = errors.New("the parameters of the deployment cannot be used")
)

// API is what is called of SSM.
type API interface {
	GetParameter(ctx context.Context, in *ssm.GetParameterInput, opts ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	ssm.GetParametersByPathAPIClient
}

// Store is the parameter store of an account in a region.
type Store struct{ client API }

// New makes a store.
func New(client API) *Store { return &Store{client} }

// Names returns the names of all deployments that there are pointers to, in their order.
func (s *Store) Names(ctx context.Context) ([]string, error) {
	var names []string
	for p, err := range s.below(ctx, Pointers) {
		if err != nil {
			return nil, fmt.Errorf("listing the deployments under %s: %w", Pointers, err)
		}
		names = append(names, strings.TrimPrefix(aws.ToString(p.Name), Pointers))
	}
	slices.Sort(names)
	return names, nil
}

// Variable is one variable of a deployment.
type Variable struct {
	Value string
	// Secret says that the store keeps it encrypted (SecureString). Value is what was encrypted.
	Secret bool
}

// Environment returns the variables of a deployment. Errors wrap ErrNoDeployment or ErrInvalid, or are those of SSM.
func (s *Store) Environment(ctx context.Context, deployment string) (map[string]Variable, error) {
	got, err := s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(Pointers + deployment), WithDecryption: aws.Bool(true)})
	if missing, ok := errors.AsType[*types.ParameterNotFound](err); ok && missing != nil {
		return nil, fmt.Errorf("%w: %s%s", ErrNoDeployment, Pointers, deployment)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up the deployment %s: %w", deployment, err)
	}
	path, err := target(aws.ToString(got.Parameter.Value))
	if err != nil {
		return nil, fmt.Errorf("%w: %s%s: %w", ErrInvalid, Pointers, deployment, err)
	}
	variables := map[string]Variable{}
	for p, err := range s.below(ctx, path) {
		if err != nil {
			return nil, fmt.Errorf("reading the environment of %s under %s: %w", deployment, path, err)
		}
		if len(variables) == maxVariables {
			return nil, fmt.Errorf("%w: there are more than %d parameters under %s", ErrInvalid, maxVariables, path)
		}
		variables[strings.TrimLeft(strings.TrimPrefix(aws.ToString(p.Name), path), "/")] = Variable{Value: aws.ToString(p.Value), Secret: p.Type == types.ParameterTypeSecureString}
	}
	if len(variables) == 0 {
		return nil, fmt.Errorf("%w: there are none under %s, where %s%s points to", ErrInvalid, path, Pointers, deployment)
	}
	return variables, nil
}

// target is the path that a pointer holds.
func target(pointer string) (string, error) {
	var p struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	if err := json.Unmarshal([]byte(pointer), &p); err != nil {
		return "", fmt.Errorf("it is no pointer: %w", err)
	}
	if p.Type != "parameter_store" {
		return "", fmt.Errorf("it points to a %q, not to a parameter_store", p.Type)
	}
	if !strings.HasPrefix(p.Value, "/") {
		return "", fmt.Errorf("it points to %q, which is no path of parameters", p.Value)
	}
	return p.Value, nil
}

// below yields the parameters below a path, page by page.
func (s *Store) below(ctx context.Context, path string) iter.Seq2[types.Parameter, error] {
	return func(yield func(types.Parameter, error) bool) {
		in := &ssm.GetParametersByPathInput{Path: aws.String(path), Recursive: aws.Bool(true), WithDecryption: aws.Bool(true)}
		for pages := ssm.NewGetParametersByPathPaginator(s.client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.Parameter{}, err)
				return
			}
			for _, p := range page.Parameters {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}
