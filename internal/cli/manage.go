package cli

import (
	"errors"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/deployment"
	"sundog/internal/problem"
)

// manageCommand stands for the commands on a deployment. It never runs with arguments: target takes its words away before cobra sees them.
func (a *app) manageCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "manage DEPLOYMENT COMMAND",
		Aliases: []string{"mgmt"},
		Short:   "Run a command on a deployment",
		Long: `Run any command that talks to a server on a deployment: a server that has a name, with its token, or a deployment on AWS, which the command
line works on itself. deployments add gives a name, list-deployments shows them. A name that you have not given is looked up in the parameter
store of AWS (/cirrus/deployments/NAME), with the credentials of the environment or those of --profile, --region and --iam-arn.`,
		Example: `  sundog manage dev get-state sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212
  sundog manage dev get-payloads --collections-workflow sentinel-2-l2a_ingest --state FAILED --since '10 d' --rerun | sundog manage dev process
  sundog manage prod errors --since 24h --profile operations --region us-west-2`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return problem.New(problem.Invalid, "what is to be done on %s?", args[0]).
				WithHint("%[2]s manage %[1]s COMMAND, such as show, stats or get-state; %[2]s --help lists the commands", args[0], a.deps.Name)
		},
	}
}

// notManaged are the commands that have no server to talk to.
var notManaged = []string{"deploy", "package", "worker", "serve", "demo", "bench", "validate", "manage", "list-deployments", "deployments", "sync", "payload", "version", "exit-codes", "completion"}

// target recognises `manage DEPLOYMENT COMMAND …`, looks the deployment up and returns the command alone.
func (a *app) target(args []string) ([]string, error) {
	asked := completing(args)
	at := a.firstWord(args, asked)
	if at < 0 {
		return args, nil
	}
	if !a.stands(args[at], "manage") {
		return args, nil
	}
	name := a.firstWord(args, at+1)
	if name < 0 {
		return args, nil
	}
	command := a.firstWord(args, name+1)
	if command < 0 || asked > 0 && command == len(args)-1 {
		return args, nil // what is still typed is completed by manage
	}
	d, err := a.lookUp(args[name])
	if err != nil {
		return nil, err
	}
	if a.stands(args[command], notManaged...) {
		return nil, problem.New(problem.Invalid, "%s is not done on a deployment", args[command]).WithHint("%s %s", a.deps.Name, args[command])
	}
	a.deployment = d
	rest := slices.Clone(args[:at])
	rest = append(rest, args[at+1:name]...)
	return append(rest, args[name+1:]...), nil
}

// stands says whether a word is the name, or short for the name, of one of these commands.
func (a *app) stands(word string, names ...string) bool {
	c, err := find(a.root, word)
	return err == nil && slices.Contains(names, c.Name())
}

// firstWord is where the first argument from i on is that is no flag of the program; -1 when there is none.
func (a *app) firstWord(args []string, i int) int {
	for ; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--":
			return -1
		case strings.HasPrefix(arg, "-") && arg != "-":
			if takesNext(a.root, arg) {
				i++
			}
		default:
			return i
		}
	}
	return -1
}

func (a *app) listDeploymentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list-deployments",
		Short: "List the deployments that have a name",
		Long: `List the deployments that were given a name with deployments add, and those in the parameter store of AWS (/cirrus/deployments/) where there
are credentials for it: those of the environment, or of --profile, --region and --iam-arn.`,
		Example: "  sundog list-deployments\n  sundog list-deployments --profile operations --region us-west-2",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := a.listed(cmd.Context())
			if err != nil {
				return err
			}
			return printList(a, all, []column[deployment.Deployment]{
				{title: "DEPLOYMENT", cell: func(d deployment.Deployment) string { return d.Name }},
				{title: "SERVER", cell: whereabouts},
				{title: "TOKEN", cell: tokenSource},
			})
		},
	}
}

// whereabouts says where a deployment is.
func whereabouts(d deployment.Deployment) string {
	if d.AWS == nil {
		return d.Server
	}
	text := "AWS"
	for _, part := range []struct{ name, value string }{{"", d.AWS.Region}, {"as ", d.AWS.Name}, {"profile ", d.AWS.Profile}, {"role ", d.AWS.Role}} {
		if part.value != "" {
			text += " " + part.name + part.value
		}
	}
	return text
}

// tokenSource says where the token of a deployment comes from.
func tokenSource(d deployment.Deployment) string {
	switch {
	case d.TokenFile != "":
		return "file " + d.TokenFile
	case d.TokenEnv != "":
		return "variable " + d.TokenEnv
	}
	return ""
}

func (a *app) deploymentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "deployments",
		Short:   "Give servers and deployments on AWS names",
		Example: "  sundog deployments add dev --server https://sundog.example.com\n  sundog deployments add prod --aws --profile operations --region us-west-2",
	}
	c.AddCommand(a.deploymentsAddCommand(), a.deploymentsRemoveCommand())
	return c
}

func (a *app) deploymentsAddCommand() *cobra.Command {
	var env, name string
	var onAWS bool
	c := &cobra.Command{
		Use:   "add NAME (--server URL | --aws)",
		Short: "Give a server or a deployment on AWS a name, or change what a name stands for",
		Long: `Give a server a name, or a deployment on AWS, or change what a name stands for. One on AWS is found in the parameter store
(/cirrus/deployments/NAME), and reached with the profile, in the region and in the role that are given here, or those of the environment.`,
		Example: `  sundog deployments add dev --server https://sundog.example.com --token-file ~/.sundog-token
  sundog deployments add laptop --server http://127.0.0.1:8123
  sundog deployments add prod --aws --profile operations --region us-west-2 --role arn:aws:iam::123456789012:role/operator`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := deployment.Open(a.deps.Getenv)
			if err != nil {
				return err
			}
			d := deployment.Deployment{Name: args[0], Server: a.server, TokenFile: a.tokenFile, TokenEnv: env}
			switch {
			case onAWS:
				d.AWS = &deployment.AWS{Name: name}
				a.credentials(d.AWS)
				if !a.root.PersistentFlags().Changed("server") {
					d.Server = "" // that of the environment is not meant
				}
			case a.server == "":
				return problem.New(problem.Invalid, "--server is missing").WithHint("sundog deployments add %s --server https://HOST, or --aws", args[0])
			case a.profile+a.region+a.role+name != "":
				return problem.New(problem.Invalid, "--profile, --region, --role and --name are for deployments on AWS").WithHint("add --aws, or leave them out")
			}
			if err := file.Put(d); err != nil {
				return problem.Wrap(problem.Invalid, err, "")
			}
			a.say("%s is %s (%s)", d.Name, whereabouts(d), file.Path())
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&env, "token-env", "", "the `name` of the environment variable that holds the token")
	f.BoolVar(&onAWS, "aws", false, "it is on AWS")
	f.StringVar(&name, "name", "", "the `name` that it has in the parameter store, when that is another")
	f.StringVar(&a.role, "role", "", "the `ARN` of a role that is assumed for it; the same as --iam-arn")
	return c
}

func (a *app) deploymentsRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Forget the name of a server or of a deployment on AWS; nothing is changed there",
		Example: "  sundog deployments remove dev",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := deployment.Open(a.deps.Getenv)
			if err != nil {
				return err
			}
			if err := file.Remove(args[0]); errors.Is(err, deployment.ErrUnknown) {
				return problem.Wrap(problem.NotFound, err, "")
			} else if err != nil {
				return problem.Wrap(problem.Invalid, err, "")
			}
			return nil
		},
	}
}

// execCommand is exec or call: both run a program that finds the server in its environment.
func (a *app) execCommand(name string) *cobra.Command {
	c := &cobra.Command{
		Use:   name + " PROGRAM [ARGUMENT...]",
		Short: "Run a program with the server's address and token in its environment",
		Long: `Run a program with SUNDOG_SERVER and SUNDOG_TOKEN set to the server and token of this call, so that it and every sundog command in it
work on the same server. On a deployment on AWS it has the variables of its functions, and its region and credentials. The exit code is that
of the program.`,
		Example:               "  sundog " + name + " ./nightly.sh --all\n  sundog manage prod " + name + " ./nightly.sh --all",
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			variables, err := a.environment(cmd.Context())
			if err != nil {
				return err
			}
			program := exec.CommandContext(cmd.Context(), args[0], args[1:]...) //nolint:gosec // running what the user names is what it is for
			program.Stdin, program.Stdout, program.Stderr = a.In, a.Out, a.Err
			program.Env = append(program.Environ(), variables...)
			err = program.Run()
			if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() > 0 {
				return &ended{code: failed.ExitCode(), err: problem.New(problem.Internal, "%s ended with code %d", args[0], failed.ExitCode())}
			}
			if err != nil {
				return problem.Wrap(problem.Invalid, err, "running %s", args[0])
			}
			return nil
		},
	}
	c.Flags().SetInterspersed(false) // what follows the program's name is the program's
	return c
}
