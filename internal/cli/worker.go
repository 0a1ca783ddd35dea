package cli

import (
	"io"

	"github.com/spf13/cobra"

	"sundog/internal/problem"
)

// WorkerOptions are what `sundog worker` was asked to do.
type WorkerOptions struct {
	Roles    []string // names of handlers
	Profile  string   // of the AWS configuration; empty: that of the environment
	Region   string   // empty: that of the environment or the profile
	InFlight int      // messages that each role works on at one time, at least 1
	Quiet    bool     // no log below warnings
	Err      io.Writer
}

func (a *app) workerCommand() *cobra.Command {
	opts := WorkerOptions{Err: a.Err}
	c := &cobra.Command{
		Use:   "worker --role NAME[,NAME]...",
		Short: "Do the work of Lambda functions in a process of its own",
		Long: `Take the messages of a deployment's queues on AWS, and do with them what its functions on AWS Lambda do, until SIGINT or SIGTERM. What is
under way is finished first. Any number of workers may run at the same time, beside functions too.

Roles and the variables that name their queues:
  process            CIRRUS_PROCESS_QUEUE_URL
  update-state       SUNDOG_UPDATE_QUEUE_URL, a queue that is the target of a rule of EventBridge
  schedule-dispatch  SUNDOG_SCHEDULE_QUEUE_URL
  schedule-enqueue   once a minute
The other variables are those of the functions. All that are missing or malformed are named at the start.`,
		Example: "  sundog worker --role process,update-state",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(opts.Roles) == 0 {
				return problem.New(problem.Invalid, "there is nothing to do").WithHint("--role process,update-state says what")
			}
			if opts.InFlight < 1 {
				return problem.New(problem.Invalid, "--in-flight cannot be %d", opts.InFlight).WithHint("1 is the least")
			}
			opts.Quiet = a.quiet
			return a.deps.Worker(cmd.Context(), opts)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&opts.Roles, "role", nil, "what to do: `names` with commas between them")
	f.StringVar(&opts.Profile, "profile", "", "a `profile` of the AWS configuration")
	f.StringVar(&opts.Region, "region", "", "an AWS `region`")
	f.IntVar(&opts.InFlight, "in-flight", 256, "messages that each role works on at one time: a `number`")
	return c
}
