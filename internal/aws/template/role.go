package template

// statement is a statement of a policy that allows actions on resources.
func statement(resources any, actions ...string) object {
	list := make([]any, len(actions))
	for i, action := range actions {
		list[i] = action
	}
	return object{{"Effect", "Allow"}, {"Action", list}, {"Resource", resources}}
}

// policy is the document of a policy.
func policy(statements ...any) object {
	return object{{"Version", "2012-10-17"}, {"Statement", statements}}
}

// role adds a role that a service of AWS takes. More are further properties.
func (b *builder) role(id, service string, statements []any, more ...field) {
	trust := object{{"Effect", "Allow"}, {"Principal", object{{"Service", service}}}, {"Action", []any{"sts:AssumeRole"}}}
	properties := make(object, 0, 2+len(more))
	properties.add("AssumeRolePolicyDocument", policy(trust))
	if len(statements) > 0 {
		properties.add("Policies", []any{object{{"PolicyName", "project"}, {"PolicyDocument", policy(statements...)}}})
	}
	b.resource(id, "AWS::IAM::Role", append(properties, more...))
}

// permission lets a service of AWS call a function because of a resource.
func (b *builder) permission(id string, function any, service string, source any) {
	b.resource(id, "AWS::Lambda::Permission", object{
		{"FunctionName", function},
		{"Action", "lambda:InvokeFunction"},
		{"Principal", service},
		{"SourceArn", source},
	})
}
