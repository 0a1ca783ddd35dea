package template

import (
	"strconv"

	"sundog/internal/project"
)

// shortestAttempt is the shortest timeout of a job's attempt, in seconds (AWS Batch API reference, JobTimeout).
const shortestAttempt = 60

// jobs adds a job definition of AWS Batch for each job. The image, with the project folder as its working folder, comes from somebody else, as
// does the queue with its compute environment.
func (b *builder) jobs() {
	for _, j := range b.project.Jobs {
		b.job(j)
	}
	if len(b.project.Jobs) == 0 {
		return
	}
	logs := arn("logs", "log-group:/aws/batch/job:*")
	b.role("JobExecutionRole", "ecs-tasks.amazonaws.com", []any{
		statement("*", "ecr:GetAuthorizationToken"),
		statement(arn("ecr", "repository/*"), "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
		statement(logs, "logs:CreateLogStream", "logs:PutLogEvents"),
	})
}

func (b *builder) job(j project.Job) {
	image := b.id("Image", j.Name)
	b.parameter(image, "The image that the job "+j.Name+" runs in; its working folder has what the project folder has.", nil)
	b.parameter("JobVcpu", "How many processors a job has.", object{{"Default", "1"}})
	b.parameter("JobMemory", "How many MiB of memory a job has.", object{{"Default", "2048"}})
	b.payloadBucket()
	role := b.id("JobRole", j.Name)
	exchange := sub("arn:${AWS::Partition}:s3:::${PayloadBucket}/${PayloadRootPrefix}/tmp/batch/*")
	b.workerRole(role, "ecs-tasks.amazonaws.com", "job "+j.Name, b.id("JobPolicyArn", j.Name), []any{statement(exchange, "s3:GetObject", "s3:PutObject")})
	environment := make([]any, 0, len(j.Env))
	for _, v := range b.environment("job", j.Name, j.Env) {
		environment = append(environment, object{{"Name", v.name}, {"Value", v.value}})
	}
	container := object{
		{"Image", ref(image)},
		{"Command", words(b.relative(j.Command))},
		{"ExecutionRoleArn", getAtt("JobExecutionRole", "Arn")},
		{"JobRoleArn", getAtt(role, "Arn")},
		{"ResourceRequirements", []any{
			object{{"Type", "VCPU"}, {"Value", ref("JobVcpu")}},
			object{{"Type", "MEMORY"}, {"Value", ref("JobMemory")}},
		}},
	}
	if len(environment) > 0 {
		container.add("Environment", environment)
	}
	b.resource(b.id("Job", j.Name), "AWS::Batch::JobDefinition", object{
		{"JobDefinitionName", name(j.Name)},
		{"Type", "container"},
		{"PlatformCapabilities", []any{"FARGATE"}},
		{"ContainerProperties", container},
		{"RetryStrategy", object{{"Attempts", j.Attempts}}},
		{"Timeout", object{{"AttemptDurationSeconds", max(shortestAttempt, seconds(j.Timeout))}}},
	})
	if seconds(j.Timeout) < shortestAttempt {
		b.warn([]string{"jobs", j.Name, "timeout"}, "", "job %s: an attempt has at least %s s on AWS", j.Name, strconv.Itoa(shortestAttempt))
	}
}

// payloadBucket adds the parameters that name the deployment's bucket.
func (b *builder) payloadBucket() {
	b.parameter("PayloadBucket", "The payload bucket of the deployment.", nil)
	b.parameter("PayloadRootPrefix", "The first part of every key in it.", object{{"Default", "cirrus"}})
}
