package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/deployment"
	"sundog/internal/problem"
)

// maxToken bounds the file of a token.
const maxToken = 4 << 10

// app is one run of the program.
type app struct {
	Streams
	deps Deps
	root *cobra.Command

	server, tokenFile, output string
	quiet                     bool
	profile, region, role     string                 // of credentials for AWS
	deployment                *deployment.Deployment // of `manage`; nil: the server that flags and environment name
	missing                   error                  // that the file does not have the deployment
	remote                    *Remote                // the deployment, once it was opened on AWS
	opened                    []*Remote              // all that were opened
	// started is whether a command took over: an error before that is one of usage.
	started bool
}

// Groups of commands in the help.
const (
	groupPlatform = "platform"
	groupPayloads = "payloads"
	groupRuns     = "executions"
	groupQueues   = "queues"

	groupSchedules = "schedules"

	groupDeployments = "deployments"
)

func newApp(s Streams, deps Deps) *app {
	a := &app{Streams: s, deps: deps}
	if deps.Name == "" {
		a.deps.Name = "sundog"
	}
	a.root = &cobra.Command{
		Use:   a.deps.Name,
		Short: "Runs workflows over payloads and keeps the state of every one of them",
		Long: `Sundog runs workflows over payloads and keeps the state of every one of them.

A command's name may be cut short as long as one command alone begins so.
Output is a table on a terminal; in a pipe it is JSON, a list being one document per line.`,
		Example: `  sundog serve --project ./my-project --data /var/lib/sundog
  sundog process payload.json
  sundog get-state sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212`,
		Version:       deps.Version,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			a.started = true
			return a.checkOutput()
		},
	}
	a.root.SetIn(s.In)
	a.root.SetOut(s.Out)
	a.root.SetErr(s.Err)
	f := a.root.PersistentFlags()
	f.StringVar(&a.server, "server", deps.Getenv("SUNDOG_SERVER"), "base `URL` of the server (SUNDOG_SERVER; default "+client.DefaultServer+")")
	f.Lookup("server").DefValue = ""
	f.StringVar(&a.tokenFile, "token-file", "", "`file` that holds the token (else SUNDOG_TOKEN)")
	f.StringVar(&a.output, "output", "", "json or table (default: table on a terminal, else json)")
	f.BoolVar(&a.quiet, "quiet", false, "say nothing but results and errors")
	f.StringVar(&a.profile, "profile", "", "the `profile` of ~/.aws/config with which a deployment on AWS is reached")
	f.StringVar(&a.region, "region", "", "the `region` of a deployment on AWS")
	f.StringVar(&a.role, "iam-arn", "", "the `ARN` of a role that is assumed for a deployment on AWS")
	a.root.AddGroup(
		&cobra.Group{ID: groupPlatform, Title: "A platform:"},
		&cobra.Group{ID: groupPayloads, Title: "Payloads and their records:"},
		&cobra.Group{ID: groupRuns, Title: "Workflows and their executions:"},
		&cobra.Group{ID: groupQueues, Title: "Queues, tables and triggers:"},
		&cobra.Group{ID: groupSchedules, Title: "Schedules:"},
		&cobra.Group{ID: groupDeployments, Title: "Deployments:"},
	)
	a.addCommands()
	a.complete()
	return a
}

func (a *app) addCommands() {
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			a.root.AddCommand(c)
		}
	}
	add(groupPlatform, a.validateCommand(), a.deployCommand(), a.serveCommand(), a.demoCommand(), a.benchCommand(), a.healthCommand(), a.showCommand(), a.tokensCommand(),
		a.backupCommand(), a.auditCommand(), a.workerCommand(), a.packageCommand())
	add(groupDeployments, a.manageCommand(), a.listDeploymentsCommand(), a.deploymentsCommand(), a.execCommand("exec"), a.execCommand("call"))
	add(groupPayloads, a.processCommand(), a.runWorkflowCommand(), a.getStateCommand(), a.getPayloadCommand("input"), a.getPayloadCommand("output"),
		a.getPayloadsCommand(), a.queryCommand(), a.statsCommand(), a.errorsCommand(), a.deleteCommand(), a.reconcileCommand(), a.rerunCommand(), a.jobsCommand(),
		a.exportCommand(), a.importCommand(), a.syncCommand(), a.migrateCommand(), a.payloadCommand(), a.templatePayloadCommand())
	add(groupRuns, a.workflowsCommand(), a.getWorkflowDefinitionCommand(), a.testStateCommand(), a.executionsCommand(), a.startExecutionCommand(), a.getExecutionCommand(),
		a.getExecutionDocumentCommand("input", func(e api.Execution) json.RawMessage { return e.Input }),
		a.getExecutionDocumentCommand("output", func(e api.Execution) json.RawMessage { return e.Output }),
		a.getExecutionEventsCommand(), a.stopCommand(), a.redriveCommand(), a.logsCommand(), a.listFunctionsCommand(), a.invokeFunctionCommand(),
		a.recentLogsCommand("get-lambda-logs", "function", "function", "publish"), a.recentLogsCommand("get-batch-logs", "job", "job", "reproject"))
	add(groupQueues, a.queueCommand(), a.deadLettersCommand(), a.tablesCommand(), a.triggersCommand())
	add(groupSchedules, a.scheduleCommand())
	a.root.AddCommand(a.versionCommand(), a.exitCodesTopic())
}

// run finds the command and runs it.
func (a *app) run(ctx context.Context, args []string) error {
	a.root.InitDefaultHelpCmd()
	a.root.InitDefaultCompletionCmd(args...)
	a.exemplify()
	args, err := a.target(args)
	if err == nil {
		args, err = resolve(a.root, args)
	}
	if err != nil {
		return err
	}
	a.root.SetArgs(args)
	if args == nil {
		a.root.SetArgs([]string{})
	}
	command, err := a.root.ExecuteContextC(ctx)
	if err == nil || a.started {
		return err
	}
	return usageError(command, err)
}

func (a *app) checkOutput() error {
	switch a.output {
	case "", "json", "table":
		return nil
	}
	return problem.New(problem.Invalid, "--output cannot be %q", a.output).WithHint("json or table")
}

// serverURL is the server that a command talks to: that of the deployment, unless a flag names another one.
func (a *app) serverURL() string {
	if a.deployment != nil && !a.root.PersistentFlags().Changed("server") {
		return a.deployment.Server
	}
	if a.server == "" {
		return client.DefaultServer
	}
	return a.server
}

// token reads the token: from the file when there is one, else from the environment. A deployment has its own.
func (a *app) token() (string, error) {
	return a.tokenOf(a.deployment)
}

// tokenOf reads the token of a deployment; nil is the server that flags and environment name.
func (a *app) tokenOf(d *deployment.Deployment) (string, error) {
	file, variable := a.tokenFile, "SUNDOG_TOKEN"
	if d != nil && file == "" {
		file, variable = d.TokenFile, d.TokenEnv
	}
	switch {
	case file == "" && variable == "":
		return "", nil
	case file == "":
		return a.deps.Getenv(variable), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", problem.Wrap(fileKind(err), err, "reading the token")
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", problem.Wrap(problem.Invalid, err, "reading the token")
	}
	token := strings.TrimSpace(string(text))
	if token == "" || len(text) > maxToken || strings.ContainsAny(token, "\r\n") {
		return "", problem.New(problem.Invalid, "%s holds no token", file).WithHint("the file holds one line: the token")
	}
	return token, nil
}

// fileKind says what it means that a file cannot be opened.
func fileKind(err error) problem.Kind {
	if errors.Is(err, os.ErrNotExist) {
		return problem.NotFound
	}
	return problem.Invalid
}
