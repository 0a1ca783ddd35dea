package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sundog/asl"
	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/deployment"
	"sundog/internal/statedb"
	"sundog/payload"
)

// completionTime is how long a shell waits for the server's names. When there is no answer it completes nothing.
const completionTime = 2 * time.Second

// candidates gives the words that an argument or a flag may be.
type candidates func(ctx context.Context) []string

// complete has shells complete the names of what there is on the server, of deployments, and of states.
func (a *app) complete() {
	workflows := a.ask(func(ctx context.Context, c *client.Client) ([]string, error) {
		all, err := c.Workflows(ctx)
		return wordsOf(all.Workflows, func(w api.Workflow) string { return w.Name }), err
	})
	functions := a.ask(func(ctx context.Context, c *client.Client) ([]string, error) {
		all, err := c.Functions(ctx)
		return wordsOf(all.Functions, func(f api.Function) string { return f.Name }), err
	})
	queues := a.ask(func(ctx context.Context, c *client.Client) ([]string, error) {
		all, err := c.Queues(ctx)
		return wordsOf(all.Queues, func(q api.Queue) string { return q.Name }), err
	})
	lanes := a.ask(func(ctx context.Context, c *client.Client) ([]string, error) {
		q, err := c.Queue(ctx, "process")
		return wordsOf(q.Lanes, func(l api.Lane) string { return l.Name }), err
	})
	partitions := a.ask(func(ctx context.Context, c *client.Client) ([]string, error) {
		all, err := c.Stats(ctx)
		return wordsOf(all.Counts, func(c api.Count) string { return payload.PartitionKey(c.Collections, c.Workflow) }), err
	})
	argument := map[string]candidates{
		"get-workflow-definition": workflows, "executions": workflows, "start-execution": workflows,
		"invoke-lambda": functions, "get-lambda-logs": functions,
		"queue show": queues, "queue send": queues,
		"dead-letters list": queues, "dead-letters show": queues, "dead-letters redrive": queues, "dead-letters delete": queues, "dead-letters purge": queues,
		"deployments remove": a.deploymentNames, "deployments add": a.deploymentNames,
	}
	flag := map[string]candidates{
		"workflow": workflows, "function": functions, "lane": lanes, "collections-workflow": partitions,
		"state": fixed(wordsOf(statedb.States(), func(s statedb.State) string { return string(s) })...), "status": fixed(string(asl.Running), string(asl.Succeeded), string(asl.Failed), string(asl.TimedOut), string(asl.Aborted)),
		"role": fixed(access.Read.String(), access.Operate.String(), access.Administer.String()), "output": fixed("json", "table"),
	}
	a.completeIn(a.root, argument, flag)
	if manage, err := find(a.root, "manage"); err == nil {
		manage.ValidArgsFunction = a.completeManaged
	}
}

// completeIn sets what completes the first argument and the flags of a command and those below it.
func (a *app) completeIn(c *cobra.Command, argument, flag map[string]candidates) {
	if words, ok := argument[strings.TrimPrefix(c.CommandPath(), a.root.Name()+" ")]; ok {
		c.ValidArgsFunction = func(c *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return offer(c, words, begin)
		}
	}
	for name, words := range flag {
		if c.LocalFlags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, func(c *cobra.Command, _ []string, begin string) ([]string, cobra.ShellCompDirective) {
				return offer(c, words, begin)
			}) // fails only for a flag that is not there, or was registered before
		}
	}
	for _, sub := range c.Commands() {
		a.completeIn(sub, argument, flag)
	}
}

// offer gives a shell the candidates that go on from what was typed.
func offer(c *cobra.Command, words candidates, begin string) ([]string, cobra.ShellCompDirective) {
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	all := words(ctx)
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(word string) bool { return !strings.HasPrefix(word, begin) })
	return all, cobra.ShellCompDirectiveNoFileComp
}

// ask makes candidates of what the server answers, and none of an error: a shell has no place to show it.
func (a *app) ask(f func(ctx context.Context, c *client.Client) ([]string, error)) candidates {
	return func(ctx context.Context) []string {
		c, err := a.client(ctx)
		if err != nil {
			return nil
		}
		all, err := f(ctx, c)
		if err != nil {
			return nil
		}
		return all
	}
}

func wordsOf[T any](all []T, word func(T) string) []string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = word(v)
	}
	return words
}

// fixed are candidates that are always the same.
func fixed(words ...string) candidates {
	return func(context.Context) []string { return slices.Clone(words) }
}

func (a *app) deploymentNames(context.Context) []string {
	file, err := deployment.Open(a.deps.Getenv)
	if err != nil {
		return nil
	}
	all, err := file.List()
	if err != nil {
		return nil
	}
	return wordsOf(all, func(d deployment.Deployment) string { return d.Name })
}

// completeManaged completes the two words after manage. From then on the command that they name completes: see completing.
func (a *app) completeManaged(c *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return offer(c, a.deploymentNames, begin)
	case 1:
		return offer(c, func(context.Context) []string {
			var all []string
			for _, sub := range a.root.Commands() {
				if sub.IsAvailableCommand() && !slices.Contains(notManaged, sub.Name()) && sub.Name() != "help" {
					all = append(all, sub.Name())
				}
			}
			return all
		}, begin)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completing is how many of the arguments ask for completions rather than for a command: the first, when a shell asks. The last one is then
// the word that is being typed.
func completing(args []string) int {
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return 1
	}
	return 0
}

// exemplify gives examples to the commands that come with cobra.
func (a *app) exemplify() {
	examples := map[string]string{
		"help": "help process", "completion": "completion bash > ~/.local/share/bash-completion/completions/" + a.deps.Name,
		"bash": "completion bash > ~/.local/share/bash-completion/completions/" + a.deps.Name,
		"zsh":  "completion zsh > ~/.zsh/completions/_" + a.deps.Name, "fish": "completion fish > ~/.config/fish/completions/" + a.deps.Name + ".fish",
		"powershell": "completion powershell > " + a.deps.Name + ".ps1",
	}
	for _, c := range a.root.Commands() {
		if c.Name() != "help" && c.Name() != "completion" {
			continue
		}
		for _, c := range append(c.Commands(), c) {
			c.Example = "  " + a.deps.Name + " " + examples[c.Name()]
		}
	}
}
