package aws

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/aws/config"
	"sundog/internal/aws/statedb"
	domain "sundog/internal/queue"
)

// Ready looks whether the state database, if the environment names one, and queues are there and can be worked with. What cannot be looked at, because
// the role may not or the service does not answer, is told in the log and taken for ready: to work on it needs no such permission.
func (p *Platform) Ready(ctx context.Context, queues ...string) error {
	check := func(what string, err error, final ...error) error {
		for _, f := range final {
			if errors.Is(err, f) {
				return config.Explain(fmt.Errorf("%s is not ready: %w", what, err))
			}
		}
		if err != nil {
			p.opts.Logger.Warn("could not look whether it is ready", "what", what, "error", config.Explain(err))
		}
		return nil
	}
	if table := p.opts.Environment.StateDB; table != "" {
		if err := check("the state database", p.Records().Check(ctx), statedb.ErrTable); err != nil {
			return err
		}
	}
	for _, url := range queues {
		_, err := p.Queue(url).Depth(ctx)
		if err := check("the queue "+url, err, domain.ErrNoQueue); err != nil {
			return err
		}
	}
	return nil
}
