package aws

import (
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"sundog/internal/aws/schedule"
	"sundog/internal/aws/task"
	"sundog/internal/aws/taskstream"
	"sundog/internal/aws/topic"
	"sundog/internal/egress"
	"sundog/internal/errand"
	domain "sundog/internal/schedule"
)

// Schedules makes the schedules of the deployment.
func (p *Platform) Schedules() *schedule.Schedules {
	e := &p.opts.Environment
	return schedule.New(schedule.Options{
		Client: p.clients.dynamodb(), Table: e.ScheduleTable, Queue: p.Queue(e.ScheduleQueueURL),
		Topics: func(arn string) schedule.Publisher { return topic.New(p.clients.sns(), arn) },
		Actions: map[domain.ActionType]string{
			domain.HTTPAction: e.ScheduleHTTPTopic, domain.QueueAction: e.ScheduleSQSTopic, domain.LambdaAction: e.ScheduleCallTopic,
		},
		Events: p.scheduleEvents(), Now: p.opts.Now, Log: p.opts.Logger,
	})
}

// idleConnections are those that are kept for each receiver of requests: a function makes one at a time.
const idleConnections = 2

// Actions makes what carries actions of schedules out. Requests refuse the addresses where clouds hand out credentials.
func (p *Platform) Actions() *schedule.Actions {
	return schedule.NewActions(schedule.ActionOptions{
		HTTP: errand.NewClient(egress.NewTransport(idleConnections)), Queues: p.clients.sqs(), Functions: lambda.NewFromConfig(p.opts.Config),
		Events: p.scheduleEvents(), Now: p.opts.Now, Log: p.opts.Logger,
	})
}

// scheduleEvents is where events of schedules are published; nil for nowhere.
func (p *Platform) scheduleEvents() schedule.Publisher {
	arn := p.opts.Environment.ScheduleEventTopic
	if arn == "" {
		return nil
	}
	return topic.New(p.clients.sns(), arn)
}

// Tasks makes the tasks of the deployment.
func (p *Platform) Tasks() *task.Tasks {
	return task.New(task.Options{Client: p.clients.dynamodb(), Table: p.opts.Environment.TaskTable, Log: p.opts.Logger})
}

// Stream makes what starts workflows by the changes of tables.
func (p *Platform) Stream() (*taskstream.Stream, error) {
	triggers, err := taskstream.Parse([]byte(p.opts.Environment.Triggers))
	if err != nil {
		return nil, err
	}
	return taskstream.New(taskstream.Options{Triggers: triggers, Executor: p.Executor(), BaseWorkflowARN: p.opts.Environment.BaseWorkflowARN}), nil
}
