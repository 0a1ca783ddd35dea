package schedule

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ActionType is what is done when a schedule fires.
type ActionType string

// The types of actions.
const (
	HTTPAction    ActionType = "http-request" // a request to a URL
	QueueAction   ActionType = "sqs-send"     // a message to a queue
	LambdaAction  ActionType = "lambda-call"  // a call of a function
	CustomAction  ActionType = "custom"       // the fired schedule as a message on a topic
	PayloadAction ActionType = "payload"      // a payload into the process queue
)

// ActionTypes returns all types.
func ActionTypes() []ActionType {
	return []ActionType{HTTPAction, QueueAction, LambdaAction, CustomAction, PayloadAction}
}

func (t ActionType) known() bool { return slices.Contains(ActionTypes(), t) }

func actionNames() string {
	types := ActionTypes()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return "one of " + strings.Join(names, ", ")
}

// Bounds of an action.
const (
	MaxPayload    = 256 << 10 // bytes of a payload, as of a message of SQS
	MaxURL        = 2048      // bytes
	MaxHeaders    = 64        // headers, and attributes of a message
	maxHeaderText = 8 << 10   // bytes of a value
	maxTopic      = 256
)

// Action is what is done. Type says which one of the others is set. Whether the queue, function or topic is there is for the platform to say.
type Action struct {
	Type    ActionType   `json:"type"`
	HTTP    *HTTPRequest `json:"http,omitempty"`
	Queue   *QueueSend   `json:"queue,omitempty"`
	Lambda  *LambdaCall  `json:"lambda,omitempty"`
	Custom  *Custom      `json:"custom,omitempty"`
	Payload *Payload     `json:"payload,omitempty"`
}

// RequestType says whether the answer to an HTTP request matters.
type RequestType string

// The types of requests.
const (
	WaitReturn RequestType = "WAIT_RETURN" // a status of 2xx is success; the default
	FireForget RequestType = "FIRE_FORGET" // it is done when it was sent; nobody waits longer than a second
)

// HTTPRequest is a request to a URL, with the headers and the payload of the context.
type HTTPRequest struct {
	Method      string      `json:"method"` // GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS; POST when empty
	URL         string      `json:"url"`    // http or https, up to MaxURL bytes
	RequestType RequestType `json:"request_type,omitempty"`
	// AppendPath adds to the URL's path what receivers of POST /schedule expect: /withwait or /fireforget, the schedule's id and the
	// point in time in Unix seconds.
	AppendPath bool `json:"append_path,omitempty"`
	// TimeoutSeconds bounds an attempt: 1 to 900, 30 when zero.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`
}

// Methods returns the methods that a request may have.
func Methods() []string { return []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} }

// Target is the URL that is requested for a firing.
func (h HTTPRequest) Target(id string, at time.Time) string {
	if !h.AppendPath {
		return h.URL
	}
	mode := "withwait"
	if h.RequestType == FireForget {
		mode = "fireforget"
	}
	target, err := url.Parse(h.URL)
	if err != nil {
		return h.URL // cannot be: Check has parsed it
	}
	return target.JoinPath(mode, id, strconv.FormatInt(at.Unix(), 10)).String()
}

// QueueSend is a message to a queue.
type QueueSend struct {
	Queue      string   `json:"queue"`
	Body       string   `json:"body,omitempty"` // the payload of the context when empty
	Attributes []Header `json:"attributes,omitempty"`
}

// LambdaCall is a call of a function.
type LambdaCall struct {
	Function string `json:"function"`
	// Event is what the function gets: any JSON; when empty, the payload of the context, as a string when it is no JSON.
	Event json.RawMessage `json:"event,omitempty"`
}

// Custom puts the fired schedule on a topic, for somebody else to carry out.
type Custom struct {
	Topic string `json:"topic"` // its name or ARN
	// Config is an object that goes with it, as it was given.
	Config json.RawMessage `json:"config,omitempty"`
}

// Payload puts a payload into the process queue.
type Payload struct {
	Payload json.RawMessage `json:"payload"` // a payload, or an envelope or reference of one
	Lane    string          `json:"lane,omitempty"`
}

var (
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")
	queueName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	funcName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	topicName  = regexp.MustCompile(`^(arn:[A-Za-z0-9:_-]+:)?[A-Za-z0-9_-]{1,256}$`)
)

// Check returns an error that wraps ErrInvalid and names the field, the value and the allowed form.
func (a Action) Check() error {
	if a.Type == "" {
		return Wrong("action.type", "", "%s", actionNames())
	}
	if !a.Type.known() {
		return Wrong("action.type", string(a.Type), "%s", actionNames())
	}
	parts := map[ActionType]struct {
		name  string
		set   bool
		check func() error
	}{
		HTTPAction:    {"http", a.HTTP != nil, func() error { return a.HTTP.check() }},
		QueueAction:   {"queue", a.Queue != nil, func() error { return a.Queue.check() }},
		LambdaAction:  {"lambda", a.Lambda != nil, func() error { return a.Lambda.check() }},
		CustomAction:  {"custom", a.Custom != nil, func() error { return a.Custom.check() }},
		PayloadAction: {"payload", a.Payload != nil, func() error { return a.Payload.check() }},
	}
	for _, t := range ActionTypes() {
		switch part := parts[t]; {
		case t == a.Type && !part.set:
			return Wrong("action."+part.name, "", "an action of type %s has it", a.Type)
		case t != a.Type && part.set:
			return Wrong("action."+part.name, "set", "an action of type %s does not have it", a.Type)
		}
	}
	return parts[a.Type].check()
}

func (h *HTTPRequest) check() error {
	if h.Method != "" && !slices.Contains(Methods(), h.Method) {
		return Wrong("action.http.method", h.Method, "one of %s", strings.Join(Methods(), ", "))
	}
	const form = "an http or https URL with a host and without a user, at most 2048 bytes"
	if h.URL == "" {
		return Wrong("action.http.url", "", form)
	}
	target, err := url.Parse(h.URL)
	if err != nil || len(h.URL) > MaxURL || (target.Scheme != "http" && target.Scheme != "https") || target.Hostname() == "" || target.User != nil {
		return Wrong("action.http.url", h.URL, form)
	}
	switch h.RequestType {
	case "", WaitReturn, FireForget:
	default:
		return Wrong("action.http.request_type", string(h.RequestType), "WAIT_RETURN or FIRE_FORGET")
	}
	return within("action.http.timeout_seconds", h.TimeoutSeconds, 0, 900)
}

func (q *QueueSend) check() error {
	if err := matches("action.queue.queue", q.Queue, queueName, "letters, digits, '-' and '_', at most 80"); err != nil {
		return err
	}
	if err := text("action.queue.body", q.Body, MaxPayload); err != nil {
		return err
	}
	return headers("action.queue.attributes", q.Attributes)
}

func (l *LambdaCall) check() error {
	if err := matches("action.lambda.function", l.Function, funcName, "letters, digits, '-' and '_', at most 64"); err != nil {
		return err
	}
	return document("action.lambda.event", l.Event)
}

func (c *Custom) check() error {
	if err := matches("action.custom.topic", c.Topic, topicName, "the name of a topic, or its ARN"); err != nil {
		return err
	}
	if len(c.Config) > 0 && !strings.HasPrefix(strings.TrimLeft(string(c.Config), " \t\r\n"), "{") {
		return Wrong("action.custom.config", string(c.Config), "an object")
	}
	return document("action.custom.config", c.Config)
}

func (p *Payload) check() error {
	if len(p.Payload) == 0 {
		return Wrong("action.payload.payload", "", "the payload as JSON")
	}
	return document("action.payload.payload", p.Payload)
}

func (c Context) check() error {
	if err := text("context.payload", c.Payload, MaxPayload); err != nil {
		return err
	}
	return headers("context.headers", c.Headers)
}

func (r Retry) check() error {
	for _, f := range []struct {
		name        string
		value, high int
	}{
		{"retry.max_attempts", r.MaxAttempts, 1000},
		{"retry.backoff_seconds", r.BackoffSeconds, 3600},
		{"retry.max_backoff_seconds", r.MaxBackoffSeconds, 86_400},
	} {
		if err := within(f.name, f.value, 0, f.high); err != nil {
			return err
		}
	}
	return nil
}

func matches(field, value string, form *regexp.Regexp, rule string) error {
	if !form.MatchString(value) {
		return Wrong(field, value, "%s", rule)
	}
	return nil
}

func within(field string, value, low, high int) error {
	if value < low || value > high {
		return Wrong(field, strconv.Itoa(value), "%d to %d", low, high)
	}
	return nil
}

func text(field, value string, limit int) error {
	if len(value) > limit {
		return Wrong(field, fmt.Sprintf("%d bytes", len(value)), "at most %d bytes", limit)
	}
	if !utf8.ValidString(value) {
		return Wrong(field, strings.ToValidUTF8(value, "?"), "UTF-8")
	}
	return nil
}

func document(field string, value json.RawMessage) error {
	if len(value) > MaxPayload {
		return Wrong(field, fmt.Sprintf("%d bytes", len(value)), "at most %d bytes", MaxPayload)
	}
	if len(value) > 0 && !json.Valid(value) {
		return Wrong(field, string(value), "JSON")
	}
	return nil
}

func headers(field string, all []Header) error {
	if len(all) > MaxHeaders {
		return Wrong(field, fmt.Sprintf("%d entries", len(all)), "at most %d", MaxHeaders)
	}
	for i, h := range all {
		name := fmt.Sprintf("%s[%d]", field, i)
		if err := matches(name+".name", h.Name, headerName, "a name that HTTP allows, at most 128 bytes"); err != nil {
			return err
		}
		if len(h.Value) > maxHeaderText || strings.ContainsFunc(h.Value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return Wrong(name+".value", h.Value, "one line of at most %d bytes", maxHeaderText)
		}
	}
	return nil
}
