package cli

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"sundog/internal/problem"
	"sundog/payload"
)

func (a *app) payloadCommand() *cobra.Command {
	return group("payload", "Check a payload, derive its id, fill in a template; without a server",
		a.payloadValidateCommand(), a.payloadGetIDCommand(), a.payloadTemplateCommand(noVariables))
}

func (a *app) payloadValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate [FILE|-]",
		Short:   "Check that a document is a payload that can be processed; the exit code is 2 when it is not",
		Example: "  sundog payload validate payload.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.readDocument(cmd.Context(), args, maxDocument)
			if err != nil {
				return err
			}
			_, err = payload.Parse(text)
			return invalidPayload(err)
		},
	}
}

func (a *app) payloadGetIDCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get-id [FILE|-]",
		Short: "Print the id of a payload, or the one that its items and its workflow make",
		Long: `Print the id that a payload has, whatever it is; one that has none gets it from its items and its workflow, and has to be valid
for that.`,
		Example: "  sundog payload get-id < payload.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.readDocument(cmd.Context(), args, maxDocument)
			if err != nil {
				return err
			}
			id, err := payloadID(text)
			if err != nil {
				return invalidPayload(err)
			}
			_, err = io.WriteString(a.Out, id+"\n")
			return err
		},
	}
}

// payloadID is the id a document carries, or the one derived for it.
func payloadID(text []byte) (string, error) {
	if gjson.ValidBytes(text) {
		if doc := gjson.ParseBytes(text); doc.IsObject() && doc.Get("id").Type == gjson.String {
			return doc.Get("id").Str, nil
		}
	}
	p, err := payload.Parse(text)
	if err != nil {
		return "", err
	}
	return p.ID().String(), nil
}

// invalidPayload gives an error of package payload its kind; nil stays nil.
func invalidPayload(err error) error {
	if err == nil {
		return nil
	}
	return problem.Wrap(problem.Invalid, err, "")
}

// noVariables: nothing is filled in but what is given.
func noVariables(context.Context) (map[string]string, error) { return nil, nil }

// payloadTemplateCommand fills in variables that are given, and those that known returns where none of that name is given.
func (a *app) payloadTemplateCommand(known func(context.Context) (map[string]string, error)) *cobra.Command {
	var vars []string
	var keep bool
	c := &cobra.Command{
		Use:   "template --var NAME=VALUE...",
		Short: "Fill in the variables of a payload template from standard input",
		Long: `Fill in a template that comes from standard input. $name, ${name} and ${name?default} become the variable's value, $$ a dollar sign.
A variable is given as --var NAME=VALUE or, the way Cirrus has it, as --var NAME VALUE.`,
		Example: "  sundog payload template --var collection=sentinel-2-l2a --var item=S2A_T07HFE_20190212 < template.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := variables(vars, args)
			if err != nil {
				return err
			}
			values, err := known(cmd.Context())
			if err != nil {
				return err
			}
			if values == nil {
				values = map[string]string{}
			}
			maps.Copy(values, given)
			text, err := a.readDocument(cmd.Context(), nil, maxDocument)
			if err != nil {
				return err
			}
			filled, err := payload.Expand(string(text), values, keep)
			if errors.Is(err, payload.ErrUnknownVariable) {
				return problem.Wrap(problem.Invalid, err, "").WithHint("--var NAME=VALUE gives it one, --silence-templating-errors leaves it as it is")
			}
			if err != nil {
				return problem.Wrap(problem.Invalid, err, "")
			}
			_, err = io.WriteString(a.Out, filled+"\n")
			return err
		},
	}
	c.Flags().StringArrayVarP(&vars, "var", "x", nil, "a variable, as `NAME=VALUE`; may be repeated")
	c.Flags().BoolVar(&keep, "silence-templating-errors", false, "leave what cannot be filled in as it is")
	return c
}

// templatePayloadCommand is payload template under the name that it has in manage.
func (a *app) templatePayloadCommand() *cobra.Command {
	c := a.payloadTemplateCommand(a.variables)
	c.Long += `
On a deployment on AWS its own variables, such as $CIRRUS_PAYLOAD_BUCKET, are there too.`
	c.Use = "template-payload --var NAME=VALUE..."
	c.Example = "  sundog template-payload --var collection=sentinel-2-l2a --var item=S2A_T07HFE_20190212 < template.json"
	return c
}

// variables joins names and values: of vars those with an equals sign hold both, the others take the next of rest.
func variables(vars, rest []string) (map[string]string, error) {
	values := map[string]string{}
	for _, v := range vars {
		name, value, whole := strings.Cut(v, "=")
		if !whole {
			if len(rest) == 0 {
				return nil, problem.New(problem.Invalid, "--var %s has no value", v).WithHint("write --var %s=VALUE", v)
			}
			value, rest = rest[0], rest[1:]
		}
		values[name] = value
	}
	if len(rest) > 0 {
		return nil, problem.New(problem.Invalid, "%q belongs to no --var", rest[0]).WithHint("the template comes from standard input: < FILE")
	}
	return values, nil
}
