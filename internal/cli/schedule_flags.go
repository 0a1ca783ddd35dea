package cli

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/schedule"
)

// scheduleFlags are what `schedule create` and `schedule change` say about a schedule.
type scheduleFlags struct {
	command *cobra.Command

	name, key                               string
	at, expression, zone, start, end, catch string
	flexible                                time.Duration
	url, method, queue, function, topic     string
	process, lane                           string
	forget                                  bool
	headers                                 map[string]string
	payload                                 string
	attempts                                int
	backoff                                 time.Duration
}

func (x *scheduleFlags) register(c *cobra.Command) {
	x.command = c
	f := c.Flags()
	f.StringVar(&x.name, "name", "", "what people call it")
	f.StringVar(&x.at, "at", "", "`when`, once: \"in 10m\", \"tomorrow 09:00\", \"friday 9am\", \"2026-03-01 09:00\", RFC 3339 or Unix seconds")
	f.StringVar(&x.expression, "expression", "", "when, again and again: \"rate(5 minutes)\", \"cron(0 9 ? * MON-FRI *)\" or \"0 9 * * 1-5\"")
	f.StringVar(&x.zone, "zone", "", "of these times, such as Europe/Berlin (default: this machine's; for an expression UTC)")
	f.StringVar(&x.start, "start", "", "no point in time `before` it; a rate counts from it")
	f.StringVar(&x.end, "end", "", "no point in time `after` it")
	f.DurationVar(&x.flexible, "flexible", 0, "spread firings over so long a `time` after their points in time")
	f.StringVar(&x.catch, "catch-up", "", "all, last or none of the points in time that passed while the server was down (default: last)")
	f.StringVar(&x.url, "url", "", "request this `URL`")
	f.StringVar(&x.method, "method", "POST", "the method of the request")
	f.BoolVar(&x.forget, "forget", false, "do not wait for the answer to the request")
	f.StringVar(&x.queue, "queue", "", "send a message to this queue")
	f.StringVar(&x.function, "function", "", "call this function")
	f.StringVar(&x.topic, "topic", "", "publish on this topic")
	f.StringVar(&x.process, "process", "", "put the payload in this `file` into the process queue")
	f.StringVar(&x.lane, "lane", "", "the lane of that payload: live or bulk")
	f.StringToStringVar(&x.headers, "header", nil, "headers of the request, or attributes of the message, as `NAME=VALUE`")
	f.StringVar(&x.payload, "payload", "", "body of the request, message or call, as `text`")
	f.IntVar(&x.attempts, "attempts", 0, "how often a request or call is attempted at most (default 5)")
	f.DurationVar(&x.backoff, "backoff", 0, "the first `pause` between attempts; each later one is twice as long (default 1s)")
}

func (x *scheduleFlags) changed(name string) bool { return x.command.Flags().Changed(name) }

// oneOf checks that at most one of some flags is there.
func (x *scheduleFlags) oneOf(names ...string) error {
	given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !x.changed(name) })
	if len(given) > 1 {
		return problem.New(problem.Invalid, "there is both --%s and --%s", given[0], given[1]).WithHint("one of --%s", strings.Join(names, ", --"))
	}
	return nil
}

// apply puts what the flags say into a request.
func (x *scheduleFlags) apply(ctx context.Context, a *app, req *api.CreateSchedule) error {
	for _, names := range [][]string{{"at", "expression"}, {"url", "queue", "function", "topic", "process"}} {
		if err := x.oneOf(names...); err != nil {
			return err
		}
	}
	for name, dst := range map[string]*string{"name": &req.Name, "key": &req.Key, "zone": &req.Zone, "expression": &req.Expression, "catch-up": &req.CatchUp} {
		if x.changed(name) {
			*dst = x.command.Flag(name).Value.String()
		}
	}
	if err := x.applyTimes(req, time.Now()); err != nil {
		return err
	}
	if x.changed("flexible") {
		if x.flexible%time.Second != 0 {
			return problem.New(problem.Invalid, "--flexible cannot be %s", x.flexible).WithHint("whole seconds")
		}
		req.FlexibleSeconds = int(x.flexible / time.Second)
	}
	if x.changed("attempts") {
		req.Retry.MaxAttempts = x.attempts
	}
	if x.changed("backoff") {
		req.Retry.BackoffSeconds = int(x.backoff.Round(time.Second) / time.Second)
	}
	if x.changed("payload") {
		req.Context.Payload = x.payload
	}
	if x.changed("header") {
		req.Context.Headers = nil
		for _, name := range slices.Sorted(maps.Keys(x.headers)) {
			req.Context.Headers = append(req.Context.Headers, schedule.Header{Name: name, Value: x.headers[name]})
		}
	}
	return x.applyAction(ctx, a, req)
}

// applyTimes reads the times in this machine's zone when no other is named, so that they mean what the user's clock shows.
func (x *scheduleFlags) applyTimes(req *api.CreateSchedule, now time.Time) error {
	zone := time.Local
	if req.Zone != "" {
		var err error
		if zone, err = schedule.Zone(req.Zone); err != nil {
			return problem.Wrap(problem.Invalid, err, "--zone")
		}
	}
	for name, dst := range map[string]*string{"at": &req.At, "start": &req.Start, "end": &req.End} {
		text := x.command.Flag(name).Value.String()
		if !x.changed(name) || text == "" {
			continue
		}
		t, err := schedule.When(name, text, now, zone)
		if err != nil {
			return problem.Wrap(problem.Invalid, err, "--%s", name)
		}
		*dst = t.Format(time.RFC3339Nano)
	}
	switch {
	case x.changed("at"):
		req.Expression = ""
	case x.changed("expression"):
		req.At = ""
	}
	return nil
}

// applyAction replaces the action when a flag names one. How a request is made can be changed by itself.
func (x *scheduleFlags) applyAction(ctx context.Context, a *app, req *api.CreateSchedule) error {
	if h := req.Action.HTTP; h != nil && x.url == "" {
		if x.changed("method") {
			h.Method = x.method
		}
		if x.changed("forget") {
			h.RequestType = requestType(x.forget)
		}
	}
	switch {
	case x.url != "":
		req.Action = schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{Method: x.method, URL: x.url, RequestType: requestType(x.forget)}}
	case x.queue != "":
		req.Action = schedule.Action{Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: x.queue}}
	case x.function != "":
		req.Action = schedule.Action{Type: schedule.LambdaAction, Lambda: &schedule.LambdaCall{Function: x.function}}
	case x.topic != "":
		req.Action = schedule.Action{Type: schedule.CustomAction, Custom: &schedule.Custom{Topic: x.topic}}
	case x.process != "":
		text, err := a.readDocument(ctx, []string{x.process}, schedule.MaxPayload)
		if err != nil {
			return err
		}
		if !json.Valid(text) {
			return problem.New(problem.Invalid, "%s is not JSON", x.process).WithHint("--process wants the file of one payload")
		}
		req.Action = schedule.Action{Type: schedule.PayloadAction, Payload: &schedule.Payload{Payload: text, Lane: x.lane}}
	}
	return nil
}

func requestType(forget bool) schedule.RequestType {
	if forget {
		return schedule.FireForget
	}
	return schedule.WaitReturn
}
