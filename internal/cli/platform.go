package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// defaultListen is where a server listens that was not told otherwise.
func defaultListen() string { return strings.TrimPrefix(client.DefaultServer, "http://") }

func (a *app) serveCommand() *cobra.Command {
	opts := ServeOptions{Err: a.Err}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a server on a project until it is stopped",
		Long: `Run a server: queues, state database, engine, functions, jobs, topics and the HTTP API in one process on one data directory.
It ends on SIGINT or SIGTERM, after what is under way is on disk. A token is needed to listen on anything but loopback.`,
		Example: "  sundog serve --project ./my-project --data /var/lib/sundog",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if opts.Token, err = a.token(); err != nil {
				return err
			}
			opts.Quiet = a.quiet
			return a.deps.Serve(cmd.Context(), opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.Project, "project", ".", "the `folder` of sundog.yaml")
	f.StringVar(&opts.Data, "data", "sundog-data", "the data `directory`; it is created when it does not exist")
	f.StringVar(&opts.Listen, "listen", defaultListen(), "`host:port` to listen on")
	return c
}

func (a *app) demoCommand() *cobra.Command {
	opts := DemoOptions{Out: a.Out, Err: a.Err}
	c := &cobra.Command{
		Use:   "demo [stac|tasks]",
		Short: "Show a platform at work: STAC Items on their way to a catalog, or tasks that are tried until they succeed",
		Long: `Start a platform in a fresh directory and show it at work. With stac, the default, feed it STAC Items of several collections and show them
on their way through two chained workflows to a published catalog. With tasks, create 200 tasks in a table whose stream starts a workflow for each, show
how they go on, and end with a histogram of attempts. With --serve the server stays up, so that the other commands can look around.`,
		Example:   "  sundog demo\n  sundog demo tasks\n  sundog demo --serve",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{DemoSTAC, DemoTasks},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Name = DemoSTAC
			if len(args) > 0 {
				opts.Name = args[0]
			}
			var err error
			if opts.Token, err = a.token(); err != nil {
				return err
			}
			opts.Quiet = a.quiet
			return a.deps.Demo(cmd.Context(), opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.Data, "data", "", "the data `directory` (default: a temporary one)")
	f.BoolVar(&opts.Serve, "serve", false, "stay up afterwards, until SIGINT")
	f.StringVar(&opts.Listen, "listen", defaultListen(), "`host:port` to listen on")
	return c
}

func (a *app) benchCommand() *cobra.Command {
	opts := BenchOptions{Out: a.Out, Err: a.Err}
	c := &cobra.Command{
		Use:     "bench",
		Short:   "Measure a platform on this machine",
		Long:    `Start a platform in a fresh directory, send payloads through it from end to end and print rates and latencies.`,
		Example: "  sundog bench\n  sundog bench --payloads 100000 --writers 64 --output json\n  sundog bench --records 10000000 --data /mnt/disk/bench",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Payloads < 1 || opts.Writers < 1 || opts.Records < 0 {
				return problem.New(problem.Invalid, "--payloads and --writers must be at least 1, --records at least 0")
			}
			opts.JSON, opts.Quiet = !a.asTable(), a.quiet
			return a.deps.Bench(cmd.Context(), opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.Data, "data", "", "the data `directory`, on the disk to be measured (default: a temporary one)")
	f.IntVar(&opts.Payloads, "payloads", 20_000, "how `many` payloads go through")
	f.IntVar(&opts.Writers, "writers", 32, "how `many` feed them at one time")
	f.IntVar(&opts.Records, "records", 0, "how `many` records are brought in before")
	c.AddCommand(a.benchSchedulesCommand())
	return c
}

func (a *app) benchSchedulesCommand() *cobra.Command {
	opts := BenchSchedulesOptions{Out: a.Out, Err: a.Err}
	c := &cobra.Command{
		Use:   "schedules",
		Short: "Measure schedules on this machine",
		Long: `Start a server as a process of its own, give it schedules over HTTP, kill it, start it again, and have schedules fire: a thousand a second, and
ten thousand at one instant. Print rates, the memory of the server, and how late requests came at their receiver. This takes some minutes.`,
		Example: "  sundog bench schedules\n  sundog bench schedules --pending 100000 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Pending < 1 || opts.Clients < 1 {
				return problem.New(problem.Invalid, "--pending and --clients must be at least 1")
			}
			opts.JSON, opts.Quiet = !a.asTable(), a.quiet
			return a.deps.BenchSchedules(cmd.Context(), opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.Data, "data", "", "a `directory` on the disk to be measured (default: a temporary one)")
	f.IntVar(&opts.Pending, "pending", 1_000_000, "how `many` schedules are pending meanwhile")
	f.IntVar(&opts.Clients, "clients", 64, "how `many` make schedules one by one at one time")
	return c
}

func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "health",
		Short:   "Ask the server how it is",
		Example: "  sundog health",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			h, err := c.Health(ctx)
			if err != nil {
				return err
			}
			return a.printOne(h, []field{
				{"Status", h.Status},
				{"Project", h.Project},
				{"Version", h.Version},
				{"Records", count(h.Records)},
				{"Open executions", a.openExecutions(h)},
				{"Queued", count(h.Queued)},
			})
		}),
	}
}

// openExecutions is how many there are. On AWS nobody counts them.
func (a *app) openExecutions(h api.Health) string {
	if a.aws() != nil {
		return ""
	}
	return count(h.Open)
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  sundog version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.asTable() {
				_, err := a.Out.Write([]byte("sundog " + a.deps.Version + "\n"))
				return err
			}
			return a.printJSON(map[string]string{"version": a.deps.Version})
		},
	}
}

func (a *app) exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitTopic()}
}

// online makes the run function of a command that talks to the server.
func (a *app) online(f func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.client(cmd.Context())
		if err != nil {
			return err
		}
		return f(cmd.Context(), c, args)
	}
}
