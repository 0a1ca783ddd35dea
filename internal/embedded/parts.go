package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sundog/eventpattern"
	"sundog/internal/batch"
	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/job"
	"sundog/internal/embedded/logs"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/topic"
	"sundog/internal/embedded/trigger"
	"sundog/internal/project"
	"sundog/internal/publish"
	domaintrigger "sundog/internal/trigger"
	"sundog/payload"
)

// functionSpecs are the functions of the project, with the built-in ones among them.
func (p *Platform) functionSpecs() ([]function.Spec, error) {
	builtins := p.builtins()
	var specs []function.Spec
	for _, f := range p.Project.Functions {
		spec := function.Spec{
			Name: f.Name, Kind: function.Kind(f.Kind), Command: f.Command, Dir: f.Dir, Env: f.Env.Reveal(), URL: f.URL,
			Timeout: f.Timeout, Concurrency: f.Concurrency,
		}
		if f.Kind == project.Builtin {
			if spec.Builtin = builtins[f.Builtin]; spec.Builtin == nil {
				return nil, fmt.Errorf("function %s: there is no built-in function %q; there are %v", f.Name, f.Builtin, slices.Sorted(maps.Keys(builtins)))
			}
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// builtins are the functions that are part of Sundog, by name.
func (p *Platform) builtins() map[string]func(context.Context, []byte) ([]byte, error) {
	catalog := p.Project.Catalog
	publisher := publish.New(publish.Config{
		Bucket: p.Catalog, BucketName: DataBucket, BaseURL: "file://" + p.Catalog.Root(),
		Root: publish.Root{ID: catalog.ID, Title: catalog.Title, Description: catalog.Description}, Now: p.opts.Now,
	})
	exchange := batch.New(batch.Config{
		Bucket: p.exchange, Layout: p.Layout, URL: p.exchangePath, Fetcher: p, Logs: lastLines{p.Logs},
	})
	all := map[string]func(context.Context, []byte) ([]byte, error){
		"publish":    exchange.ByReference("publish", publisher.Publish),
		"pre-batch":  exchange.Pre,
		"post-batch": exchange.Post,
		"echo":       func(_ context.Context, event []byte) ([]byte, error) { return event, nil },
	}
	maps.Copy(all, p.opts.Functions)
	return all
}

// lastLines reads the ends of job logs.
type lastLines struct{ logs *logs.Store }

func (l lastLines) LastLine(_ context.Context, stream string) (string, bool, error) {
	lines, err := l.logs.Tail(stream, 1)
	if errors.Is(err, logs.ErrNotFound) || err == nil && len(lines) == 0 {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return lines[0].Text, true, nil
}

func (p *Platform) jobSpecs() []job.Spec {
	specs := make([]job.Spec, 0, len(p.Project.Jobs))
	for _, j := range p.Project.Jobs {
		specs = append(specs, job.Spec{
			Name: j.Name, Command: j.Command, Dir: j.Dir, Env: j.Env.Reveal(), Attempts: j.Attempts, Timeout: j.Timeout, Concurrency: j.Concurrency,
		})
	}
	return specs
}

func (p *Platform) connections() []connection.Spec {
	specs := make([]connection.Spec, 0, len(p.Project.Connections))
	for _, c := range p.Project.Connections {
		spec := connection.Spec{Name: c.Name, Parameters: connection.Parameters{
			Headers: c.Headers.Values(), Query: c.Query.Values(), Body: c.Body.Values(),
		}}
		switch {
		case c.Basic != nil:
			spec.Basic = &connection.Basic{Username: c.Basic.Username, Password: c.Basic.Password.Reveal()}
		case c.APIKey != nil:
			spec.APIKey = &connection.APIKey{Header: c.APIKey.Header, Value: c.APIKey.Value.Reveal()}
		case c.OAuth != nil:
			spec.OAuth = &connection.OAuth{
				URL: c.OAuth.TokenURL, ClientID: c.OAuth.ClientID, ClientSecret: c.OAuth.ClientSecret.Reveal(), Body: c.OAuth.Body.Values(),
			}
			if c.OAuth.Scope != "" {
				spec.OAuth.Body["scope"] = c.OAuth.Scope
			}
		}
		specs = append(specs, spec)
	}
	return specs
}

// subscribe begins the subscriptions of the project. A queue that one names is declared.
func (p *Platform) subscribe(ctx context.Context) error {
	for _, s := range p.Project.Subscriptions {
		if s.Queue != "" && s.Queue != ProcessQueue {
			if _, err := p.Queues.Declare(ctx, s.Queue, queue.Config{}); err != nil {
				return fmt.Errorf("subscription %s: %w", s.Name, err)
			}
		}
		sub := topic.Subscription{Name: s.Name, Topic: s.Topic, Filter: s.Filter, Queue: s.Queue, Function: s.Function, File: s.File}
		if s.FilterScope == "body" {
			sub.Scope = eventpattern.MessageBody
		}
		if s.Webhook != nil {
			sub.Webhook = &topic.Webhook{URL: s.Webhook.URL, Secret: s.Webhook.Secret.Reveal()}
		}
		if err := p.Topics.Subscribe(ctx, sub); err != nil {
			return err
		}
	}
	return nil
}

// openTriggers begins the triggers of the project. A queue that one names is declared.
func (p *Platform) openTriggers(ctx context.Context) (err error) {
	specs := make([]trigger.Spec, 0, len(p.Project.Triggers))
	for _, t := range p.Project.Triggers {
		queues := []string{}
		if t.Source.Kind == domaintrigger.Queue {
			queues = append(queues, t.Source.Name)
		}
		if t.Target.Kind == domaintrigger.ToQueue {
			queues = append(queues, t.Target.Name)
		}
		for _, name := range queues {
			if name == ProcessQueue || name == UpdateQueue {
				continue // there anyway, in their own way
			}
			if _, err := p.Queues.Declare(ctx, name, queue.Config{}); err != nil {
				return fmt.Errorf("trigger %s: %w", t.Name, err)
			}
		}
		specs = append(specs, trigger.Spec{Spec: t.Spec, Secret: t.Secret.Reveal()})
	}
	p.Triggers, err = trigger.Open(ctx, specs, trigger.Options{
		Store: p.Store, Tables: p.Tables, Feed: p.Feed, Queues: p.Queues, Topics: p.Topics, Engine: p.Engine, Functions: invoker{p.Functions}, ProcessQueue: ProcessQueue,
		Region: p.Project.Region, Account: p.Project.Account, Logger: p.logger, Now: p.opts.Now,
	})
	return err
}

// invoker calls functions for subscriptions.
type invoker struct{ functions *function.Host }

func (i invoker) Invoke(ctx context.Context, name string, event []byte) error {
	_, err := i.functions.Invoke(ctx, function.Request{Function: name, Payload: event})
	return err
}

// exchangePath is where a job finds a payload, and puts one.
func (p *Platform) exchangePath(at payload.Location) string { return p.exchange.Path(at.Key) }
