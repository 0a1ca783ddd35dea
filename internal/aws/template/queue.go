package template

import (
	"encoding/json"
	"slices"
	"strings"

	"sundog/internal/project"
)

// deadLetterSeconds is how long messages are kept that could not be handled: SQS's longest.
const deadLetterSeconds = 14 * 24 * 60 * 60

// queues adds the queues that the project declares and those that subscriptions make, and its topics.
func (b *builder) queues() {
	declared := slices.Clone(b.project.Queues)
	topics := slices.Clone(b.project.Topics)
	for _, s := range b.project.Subscriptions {
		if s.Queue != "" && s.Queue != "process" {
			declared = append(declared, s.Queue)
		}
		topics = append(topics, s.Topic)
	}
	for _, q := range unique(declared) {
		b.queue(q)
	}
	for _, t := range unique(topics) {
		if !deploymentTopic(t) && t != defaultBus {
			b.resource(b.id("Topic", t), "AWS::SNS::Topic", object{{"TopicName", name(t)}})
		}
	}
}

// namesOf returns a name of each entry of a list.
func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, entry := range list {
		names[i] = name(entry)
	}
	return names
}

// unique returns the names in their order, each once.
func unique(names []string) []string {
	var once []string
	for _, n := range names {
		if !slices.Contains(once, n) {
			once = append(once, n)
		}
	}
	return once
}

// queue adds a queue, the queue of its dead letters, and the alarm that tells of them.
func (b *builder) queue(q string) {
	id := b.id("Queue", q)
	dead := b.deadLetters(q)
	b.resource(id, "AWS::SQS::Queue", object{
		{"QueueName", name(q)},
		{"MessageRetentionPeriod", deadLetterSeconds},
		{"SqsManagedSseEnabled", true},
		{"VisibilityTimeout", 360}, // six times a function's minute
		{"RedrivePolicy", object{{"deadLetterTargetArn", getAtt(dead, "Arn")}, {"maxReceiveCount", b.project.Process.MaxReceives}}},
	})
}

// deadLetters adds a queue of dead letters and its alarm, and returns its id.
func (b *builder) deadLetters(of string) string {
	id := b.id("DeadLetters", of)
	b.resource(id, "AWS::SQS::Queue", object{
		{"QueueName", name(of + "-dead-letters")},
		{"MessageRetentionPeriod", deadLetterSeconds},
		{"SqsManagedSseEnabled", true},
	})
	b.parameter("AlarmTopicArn", "The topic that alarms go to, such as that of the deployment. Empty: nobody is told.", object{{"Default", ""}})
	if !b.conditions.has("Told") {
		b.conditions.add("Told", object{{"Fn::Not", []any{object{{"Fn::Equals", []any{ref("AlarmTopicArn"), ""}}}}}})
	}
	b.resource(b.id("DeadLettersAlarm", of), "AWS::CloudWatch::Alarm", object{
		{"AlarmName", name(of + "-dead-letters")},
		{"AlarmDescription", "Something of " + of + " could not be handled."},
		{"AlarmActions", either("Told", []any{ref("AlarmTopicArn")}, ref("AWS::NoValue"))},
		{"Namespace", "AWS/SQS"},
		{"MetricName", "ApproximateNumberOfMessagesVisible"},
		{"Dimensions", []any{object{{"Name", "QueueName"}, {"Value", getAtt(id, "QueueName")}}}},
		{"Statistic", "Maximum"},
		{"Period", 60},
		{"EvaluationPeriods", 1},
		{"Threshold", 0},
		{"ComparisonOperator", "GreaterThanThreshold"},
		{"TreatMissingData", "notBreaching"},
	})
	return id
}

// defaultBus is the topic that stands for EventBridge's default event bus.
const defaultBus = "default"

// deploymentTopic reports whether a topic is one of the deployment.
func deploymentTopic(t string) bool {
	return t == "publish" || t == "workflow-event" || t == "schedule-event"
}

// queueURL and queueARN are those of a queue of the project or of the deployment.
func (b *builder) queueURL(q string) any {
	if q == "process" {
		return sub("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/${Prefix}-process")
	}
	return ref(b.id("Queue", q))
}

func (b *builder) queueARN(q string) any {
	if q == "process" {
		return arn("sqs", "${Prefix}-process")
	}
	return getAtt(b.id("Queue", q), "Arn")
}

// topicARN is that of a topic of the project or of the deployment.
func (b *builder) topicARN(t string) any {
	if deploymentTopic(t) {
		return arn("sns", "${Prefix}-"+t)
	}
	return ref(b.id("Topic", t))
}

// subscriptions adds those of queues, functions and HTTPS endpoints.
func (b *builder) subscriptions() {
	senders := map[string][]any{} // topics by the queues that they fill
	for _, s := range b.project.Subscriptions {
		at := []string{"subscriptions", s.Name}
		if s.Topic == defaultBus {
			b.warn(at, "add a rule of EventBridge with this filter as its pattern", "subscription %s is of the event bus, whose targets are rules", s.Name)
			continue
		}
		properties := object{{"TopicArn", b.topicARN(s.Topic)}}
		switch {
		case s.File != "":
			b.warn(append(at, "file"), "subscribe a queue, and read it", "subscription %s writes a file, for which there is nothing on AWS", s.Name)
			continue
		case s.Webhook != nil:
			if !strings.HasPrefix(s.Webhook.URL, "https:") {
				b.warn(append(at, "webhook", "url"), "", "subscription %s: SNS takes endpoints without TLS, and so will whoever listens", s.Name)
			}
			b.warn(append(at, "webhook"), "the endpoint has to confirm the subscription, and to check SNS's signature instead of the secret's", "subscription %s: SNS calls webhooks in its own form", s.Name)
			protocol, _, _ := strings.Cut(s.Webhook.URL, ":")
			properties = append(properties, field{"Protocol", protocol}, field{"Endpoint", s.Webhook.URL})
		case s.Queue != "":
			properties = append(properties, field{"Protocol", "sqs"}, field{"Endpoint", b.queueARN(s.Queue)}, field{"RawMessageDelivery", true})
			senders[s.Queue] = append(senders[s.Queue], b.topicARN(s.Topic))
		default:
			properties = append(properties, field{"Protocol", "lambda"}, field{"Endpoint", b.functionARN(s.Function)})
			b.permission(b.id("SubscriptionPermission", s.Name), b.functionARN(s.Function), "sns.amazonaws.com", b.topicARN(s.Topic))
		}
		if s.Filter != nil {
			scope := "MessageAttributes"
			if s.FilterScope == "body" {
				scope = "MessageBody"
			}
			properties = append(properties, field{"FilterPolicyScope", scope}, field{"FilterPolicy", jsonValue(s.Filter)})
		}
		b.resource(b.id("Subscription", s.Name), "AWS::SNS::Subscription", properties)
	}
	for _, q := range b.subscribedQueues() {
		if topics := senders[q]; topics != nil {
			b.resource(b.id("QueuePolicy", q), "AWS::SQS::QueuePolicy", object{
				{"Queues", []any{b.queueURL(q)}},
				{"PolicyDocument", policy(object{
					{"Effect", "Allow"},
					{"Principal", object{{"Service", "sns.amazonaws.com"}}},
					{"Action", []any{"sqs:SendMessage"}},
					{"Resource", b.queueARN(q)},
					{"Condition", object{{"ArnEquals", object{{"aws:SourceArn", topics}}}}},
				})},
			})
		}
	}
}

// subscribedQueues returns the queues of subscriptions in the order of the file.
func (b *builder) subscribedQueues() []string {
	return unique(namesOf(b.project.Subscriptions, func(s project.Subscription) string { return s.Queue }))
}

// jsonValue reads a document that the project has checked, as values that keep their order.
func jsonValue(text []byte) any {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	v, err := decodeOrdered(dec)
	if err != nil {
		panic("template: the project's JSON does not parse: " + err.Error()) // cannot be: Load has parsed it
	}
	return v
}
