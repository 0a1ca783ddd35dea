package server

import (
	"net/http"
	"strconv"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/dynamodb"
	"sundog/internal/embedded/trigger"
	"sundog/internal/request"
	domain "sundog/internal/trigger"
)

func describeTrigger(t trigger.Status) api.Trigger {
	out := api.Trigger{
		Name: t.Name, Source: t.Source.String(), Target: string(t.Target.Kind), Paused: t.Paused, Replays: t.Replays,
		Lag: api.Lag{Events: t.Lag.Events, Seconds: t.Lag.Age.Seconds()}, Waiting: t.Waiting, Queue: t.Queue, DeadLetters: t.Dead,
	}
	if t.Target.Kind != domain.ToWebhook && t.Target.Name != "" { // a URL may hold a secret
		out.Target += " " + t.Target.Name
	}
	if t.Source.Kind.Kept() {
		out.Position = dynamodb.SequenceText(t.After)
	}
	return out
}

func (s *Server) triggers(r *http.Request) (api.Triggers, error) {
	all, err := s.platform.Triggers.List(r.Context())
	out := api.Triggers{Triggers: []api.Trigger{}}
	for _, t := range all {
		out.Triggers = append(out.Triggers, describeTrigger(t))
	}
	return out, err
}

func (s *Server) trigger(r *http.Request) (api.Trigger, error) {
	t, err := s.platform.Triggers.Show(r.Context(), r.PathValue("trigger"))
	return describeTrigger(t), err
}

func (s *Server) pauseTrigger(r *http.Request) (api.Trigger, error) {
	t, err := s.platform.Triggers.Pause(r.Context(), r.PathValue("trigger"))
	return s.changedTrigger(r, t, err, "paused")
}

func (s *Server) resumeTrigger(r *http.Request) (api.Trigger, error) {
	t, err := s.platform.Triggers.Resume(r.Context(), r.PathValue("trigger"))
	return s.changedTrigger(r, t, err, "resumed")
}

func (s *Server) replayTrigger(r *http.Request) (api.Trigger, error) {
	var req api.Replay
	if err := request.Body(r, &req); err != nil {
		return api.Trigger{}, err
	}
	from, err := s.position(req.From)
	if err != nil {
		return api.Trigger{}, err
	}
	t, err := s.platform.Triggers.Replay(r.Context(), r.PathValue("trigger"), from)
	return s.changedTrigger(r, t, err, "replayed from "+dynamodb.SequenceText(from))
}

// position reads where a replay begins: a sequence number, a time or how long ago. Numbers of a log are about the time in nanoseconds.
func (s *Server) position(text string) (uint64, error) {
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return n, nil
	}
	at, err := request.Instant("from", text)
	if err != nil || at.IsZero() {
		return 0, err
	}
	return uint64(max(0, at.UnixNano())), nil
}

func (s *Server) changedTrigger(r *http.Request, t trigger.Status, err error, what string) (api.Trigger, error) {
	if err != nil {
		return api.Trigger{}, err
	}
	return describeTrigger(t), s.note(r, nil, audit.Trigger, t.Name, what)
}
