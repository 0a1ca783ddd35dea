package template

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sundog/internal/project"
)

// deploymentFunctions are the builtin functions that a deployment has as functions of its own.
var deploymentFunctions = []string{"publish", "pre-batch", "post-batch"}

// functions adds the functions that can be functions of Lambda. What cannot be is a parameter, for those that somebody names.
func (b *builder) functions() {
	for _, f := range b.project.Functions {
		at := []string{"functions", f.Name, "type"}
		switch {
		case f.Kind == project.Lambda:
			b.lambda(f)
		case f.Kind == project.Command:
			b.warn(at, "let it speak the Lambda Runtime API (type: lambda), or give the ARN of a function that stands for it",
				"function %s is a command, which Lambda does not run", f.Name)
			b.standIn(f.Name, "a command")
		case f.Kind == project.HTTP:
			b.warn(at, "call it by http:invoke, or give the ARN of a function that posts to it", "function %s is an HTTP server", f.Name)
			b.standIn(f.Name, "a POST to "+f.URL)
		case !slices.Contains(deploymentFunctions, f.Builtin):
			b.warn(at, "give the ARN of a function that stands for it", "function %s is the builtin %s, which a deployment does not have", f.Name, f.Builtin)
			b.standIn(f.Name, "the builtin "+f.Builtin)
		}
	}
}

// standIn adds the parameter for a function that is made by somebody else.
func (b *builder) standIn(f, what string) {
	b.parameter(b.id("FunctionArn", f), "The ARN of a function that stands for "+f+", here "+what+".", nil)
}

// functionARN is that of a function of the project.
func (b *builder) functionARN(name string) any {
	f, _ := b.project.Function(name)
	switch {
	case f.Kind == project.Lambda:
		return getAtt(b.id("Function", name), "Arn")
	case f.Kind == project.Builtin && slices.Contains(deploymentFunctions, f.Builtin):
		return arn("lambda", "function:${Prefix}-"+f.Builtin)
	}
	return ref(b.id("FunctionArn", name))
}

// lambda adds a function of Lambda. Its package is the folder dist/NAME beside the template, with a program named bootstrap.
func (b *builder) lambda(f project.Function) {
	if len(f.Command) > 0 && !filepath.IsAbs(f.Command[0]) {
		b.warn([]string{"functions", f.Name, "command"}, "put it into the function's package", "function %s runs %q, which Lambda's runtime does not have", f.Name, f.Command[0])
	}
	id := b.id("Function", f.Name)
	b.parameter("Architecture", "For which processor the packages of functions are built.", object{{"Default", "arm64"}, {"AllowedValues", []any{"arm64", "x86_64"}}})
	b.parameter("FunctionMemory", "MiB of memory of a function, which has a processor in proportion.", object{{"Type", "Number"}, {"Default", 512}})
	logs := b.id("FunctionLogs", f.Name)
	b.resource(logs, "AWS::Logs::LogGroup", object{{"LogGroupName", sub("/aws/lambda/${Prefix}-" + f.Name)}, {"RetentionInDays", retentionDays(b.project.Retention.Logs)}})
	statements := []any{statement(getAtt(logs, "Arn"), "logs:CreateLogStream", "logs:PutLogEvents")}
	b.workerRole(b.id("FunctionRole", f.Name), "lambda.amazonaws.com", "function "+f.Name, b.id("FunctionPolicyArn", f.Name), statements)
	properties := object{
		{"FunctionName", name(f.Name)},
		{"Architectures", []any{ref("Architecture")}},
		{"Runtime", "provided.al2023"},
		{"Handler", f.Name},
		{"Code", "dist/" + f.Name},
		{"Role", getAtt(b.id("FunctionRole", f.Name), "Arn")},
		{"Timeout", seconds(f.Timeout)},
		{"MemorySize", ref("FunctionMemory")},
		{"LoggingConfig", object{{"LogGroup", ref(logs)}}},
	}
	if variables := b.environment("function", f.Name, f.Env); variables != nil {
		properties.add("Environment", object{{"Variables", variables}})
	}
	b.resources.add(id, object{{"Type", "AWS::Lambda::Function"}, {"Metadata", object{{"Runs", words(b.relative(f.Command))}}}, {"Properties", properties}})
}

// workerRole adds a role for what a project's own program may do: what it needs in any case, and a policy that somebody else writes.
func (b *builder) workerRole(id, service, of, parameter string, statements []any) {
	b.parameter(parameter, "The ARN of a policy with what "+of+" may do beside writing its log. Empty: nothing.", object{{"Default", ""}})
	condition := "Given" + parameter
	b.conditions.add(condition, object{{"Fn::Not", []any{object{{"Fn::Equals", []any{ref(parameter), ""}}}}}})
	b.role(id, service, statements, field{"ManagedPolicyArns", either(condition, []any{ref(parameter)}, ref("AWS::NoValue"))})
}

// environment returns the variables of a program, each the value of a parameter that is not shown.
func (b *builder) environment(kind, of string, env project.Env) object {
	var variables object
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		id := b.id(upperFirst(kind)+"Value", of+"-"+variable)
		b.parameter(id, "The value "+variable+" of "+kind+" "+of+".", object{{"NoEcho", true}})
		variables.add(variable, ref(id))
	}
	return variables
}

// relative takes the project folder out of a command, which is elsewhere in a package or an image.
func (b *builder) relative(command []string) []string {
	command = slices.Clone(command)
	for i, word := range command {
		if rest, ok := strings.CutPrefix(word, b.project.Dir+string(filepath.Separator)); ok {
			command[i] = filepath.ToSlash(rest)
		}
	}
	return command
}

func words(list []string) []any {
	all := make([]any, len(list))
	for i, word := range list {
		all[i] = word
	}
	return all
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// retentionDays is the shortest retention of CloudWatch Logs that is not shorter than asked for (API reference, PutRetentionPolicy).
func retentionDays(d time.Duration) int {
	days := int((d + 24*time.Hour - 1) / (24 * time.Hour))
	allowed := []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	for _, n := range allowed {
		if n >= days {
			return n
		}
	}
	return allowed[len(allowed)-1]
}
