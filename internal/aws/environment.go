package aws

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"sundog/internal/problem"
	"sundog/payload"
)

// Environment is what the variables of a deployment say. A field is empty when its variable is not set and has no default; Variables
// says what each means.
type Environment struct {
	StateDB            string
	PayloadBucket      string
	PayloadRoot        string
	DataBucket         string
	BaseWorkflowARN    string
	ProcessQueueURL    string
	PublishTopicARN    string
	EventTopicARN      string
	WorkflowLogGroup   string
	MetricNamespace    string
	BatchLogGroup      string
	APIBasePath        string
	LogLevel           slog.Level
	Prefix             string
	PartialResponses   bool
	DeadLetterQueueURL string
	UpdateQueueURL     string
	CatalogURL         string
	CatalogID          string
	ScheduleTable      string
	ScheduleQueueURL   string
	ScheduleHTTPTopic  string
	ScheduleSQSTopic   string
	ScheduleCallTopic  string
	ScheduleEventTopic string
	TaskTable          string
	Triggers           string
}

// longestValue bounds what a complaint repeats of a value.
const longestValue = 100

// ReadEnvironment reads the variables of a deployment, of which those that are required have to be there. One that is empty is not set, as in
// templates that pass on parameters. The error is of kind problem.Invalid and names every variable that is missing or malformed.
func ReadEnvironment(getenv func(name string) string, required ...string) (Environment, error) {
	e := Environment{PayloadRoot: payload.DefaultRoot, BatchLogGroup: "/aws/batch/job", CatalogID: "catalog"}
	var missing []string
	var complaints []error
	for _, v := range Variables() {
		value := strings.TrimSpace(getenv(v.Name))
		switch {
		case value == "":
			if slices.Contains(required, v.Name) {
				missing = append(missing, v.Name)
				complaints = append(complaints, fmt.Errorf("%s is not set: %s", v.Name, v.Meaning))
			}
		case !v.pattern.MatchString(value):
			complaints = append(complaints, fmt.Errorf("%s cannot be %q: it is to be %s", v.Name, shorten(value), v.form))
		default:
			v.set(&e, value)
		}
	}
	if len(complaints) == 0 {
		return e, nil
	}
	err := problem.Wrap(problem.Invalid, errors.Join(complaints...), "the environment is not complete")
	if len(missing) == 0 {
		err.Message = "the environment is not valid"
	}
	return Environment{}, err.WithHint("set the variables in the function's configuration, or in the environment of the process")
}

func shorten(value string) string {
	if len(value) <= longestValue {
		return value
	}
	return strings.ToValidUTF8(value[:longestValue], "") + "…"
}

// Layout says where objects lie in the payload bucket.
func (e *Environment) Layout() payload.Layout {
	return payload.Layout{Bucket: e.PayloadBucket, Root: e.PayloadRoot}
}
