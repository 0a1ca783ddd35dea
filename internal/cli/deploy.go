package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"sundog/internal/aws/template"
	"sundog/internal/problem"
	"sundog/internal/project"
)

func (a *app) deployCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "deploy",
		Short:   "Put a project on AWS",
		Example: "  sundog deploy plan --project ./my-project > plan.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.deployPlanCommand())
	return c
}

func (a *app) deployPlanCommand() *cobra.Command {
	var dir, format string
	opts := template.Options{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Print what a project needs on AWS as a template of CloudFormation",
		Long: `Print what a project needs on AWS, beside the deployment that runs its payloads, as a template of CloudFormation: state machines
with roles that allow what their tasks call, functions, job definitions, tables, queues, topics, triggers and schedules.
What has no counterpart on AWS is said on standard error, as FILE:LINE:COLUMN: REASON (WHAT TO DO). Nothing is changed anywhere.`,
		Example: "  sundog deploy plan --project ./my-project > plan.yaml\n  sundog deploy plan --project ./my-project --prefix harbour --format json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.deployPlan(dir, format, opts)
		},
	}
	c.Flags().StringVar(&dir, "project", ".", "the project `folder`")
	c.Flags().StringVar(&opts.Prefix, "prefix", "sundog", "what all `names` of the deployment begin with")
	c.Flags().StringVar(&format, "format", "yaml", "yaml or json")
	return c
}

func (a *app) deployPlan(dir, format string, opts template.Options) error {
	if format != "yaml" && format != "json" {
		return problem.New(problem.Invalid, "--format cannot be %q", format).WithHint("yaml or json")
	}
	if err := opts.Check(); err != nil {
		return err
	}
	p, found := project.Load(dir, project.Options{})
	if p == nil {
		return found.Err()
	}
	opts.Places = project.ReadPlaces(dir)
	plan, found := template.Plan(p, opts)
	for _, d := range found {
		if d.Severity == project.Warning {
			a.say("%s", d)
		}
	}
	if err := found.Err(); err != nil {
		return err
	}
	write := plan.YAML
	if format == "json" {
		write = plan.JSON
	}
	text, err := write()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s", text)
	return err
}
