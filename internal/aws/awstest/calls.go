package awstest

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrLost is the error of a request that Calls let fail. Clients take it for a broken connection, which they try again.
var ErrLost = errors.New("injected: the connection was lost")

// Calls counts the requests that clients make, attempts included, and lets some of them fail. It is safe for concurrent use.
type Calls struct {
	mu    sync.Mutex
	n     int
	count map[string]int
	// fails says of the n-th call, from 1, whether it is lost before it is carried out, or its answer afterwards.
	fails func(n int, operation string) Loss
}

// Loss is what becomes of a request.
type Loss int

// The losses.
const (
	Arrives     Loss = iota
	RequestLost      // it is never made
	AnswerLost       // it is carried out, and its caller learns nothing
)

// Fail sets what becomes of the requests from now on, and begins to count them anew. The operation is "DynamoDB.UpdateItem" in form.
func (c *Calls) Fail(fails func(n int, operation string) Loss) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.count, c.fails = 0, nil, fails
}

// Counted returns how many requests there were of each operation.
func (c *Calls) Counted() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.count)
}

// Total is how many requests there were.
func (c *Calls) Total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Watch returns a configuration whose clients' requests are counted, and who try again almost at once.
func (c *Calls) Watch(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("awstest.Calls", c.handle), middleware.Before)
	})
	return cfg
}

func (c *Calls) handle(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (out middleware.DeserializeOutput, metadata middleware.Metadata, err error) {
	loss := c.enter(awsmiddleware.GetServiceID(ctx) + "." + awsmiddleware.GetOperationName(ctx))
	if loss == RequestLost {
		return out, metadata, &smithyhttp.RequestSendError{Err: ErrLost}
	}
	out, metadata, err = next.HandleDeserialize(ctx, in)
	if loss == AnswerLost {
		return middleware.DeserializeOutput{}, metadata, &smithyhttp.RequestSendError{Err: ErrLost}
	}
	return out, metadata, err
}

func (c *Calls) enter(operation string) Loss {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[string]int{}
	}
	c.n++
	c.count[operation]++
	if c.fails == nil {
		return Arrives
	}
	return c.fails(c.n, operation)
}
