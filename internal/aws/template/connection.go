package template

import "sundog/internal/project"

// connection adds a connection of EventBridge. What it knows is in parameters that are not shown.
func (b *builder) connection(c project.Connection) {
	var kind string
	var parameters object
	secret := func(what string) object {
		id := b.id("ConnectionValue", c.Name+"-"+what)
		b.parameter(id, "The "+what+" of connection "+c.Name+".", object{{"NoEcho", true}})
		return ref(id)
	}
	switch {
	case c.Basic != nil:
		kind = "BASIC"
		parameters.add("BasicAuthParameters", object{{"Username", c.Basic.Username}, {"Password", secret("password")}})
	case c.APIKey != nil:
		kind = "API_KEY"
		parameters.add("ApiKeyAuthParameters", object{{"ApiKeyName", c.APIKey.Header}, {"ApiKeyValue", secret("key")}})
	case c.OAuth != nil:
		kind = "OAUTH_CLIENT_CREDENTIALS"
		oauth := object{
			{"AuthorizationEndpoint", c.OAuth.TokenURL},
			{"HttpMethod", "POST"},
			{"ClientParameters", object{{"ClientID", c.OAuth.ClientID}, {"ClientSecret", secret("client-secret")}}},
		}
		more := b.values(c.Name, c.OAuth.Body)
		if c.OAuth.Scope != "" {
			more = append(more, object{{"Key", "scope"}, {"Value", c.OAuth.Scope}})
		}
		if more != nil {
			oauth.add("OAuthHttpParameters", object{{"BodyParameters", more}})
		}
		parameters.add("OAuthParameters", oauth)
	default:
		b.warn([]string{"connections", c.Name}, "give it one, or give the ARN of a connection that stands for it", "connection %s shows no credentials, and one of AWS has to", c.Name)
		b.parameter(b.id("ConnectionArn", c.Name), "The ARN of a connection of EventBridge that stands for "+c.Name+".", nil)
		return
	}
	var added object
	for _, of := range []struct {
		name   string
		values project.Secrets
	}{{"HeaderParameters", c.Headers}, {"QueryStringParameters", c.Query}, {"BodyParameters", c.Body}} {
		if list := b.values(c.Name, of.values); list != nil {
			added.add(of.name, list)
		}
	}
	if added != nil {
		parameters.add("InvocationHttpParameters", added)
	}
	b.resource(b.id("Connection", c.Name), "AWS::Events::Connection", object{
		{"Name", name(c.Name)},
		{"AuthorizationType", kind},
		{"AuthParameters", parameters},
	})
}

// values are names with values that are not shown.
func (b *builder) values(connection string, secrets project.Secrets) []any {
	if len(secrets) == 0 {
		return nil
	}
	list := make([]any, 0, len(secrets))
	for _, v := range b.environment("connection", connection, project.Env(secrets)) {
		list = append(list, object{{"Key", v.name}, {"Value", v.value}, {"IsValueSecret", true}})
	}
	return list
}

// connectionARN is that of a connection of the project.
func (b *builder) connectionARN(name string) any {
	for _, c := range b.project.Connections {
		if c.Name == name && (c.Basic != nil || c.APIKey != nil || c.OAuth != nil) {
			return getAtt(b.id("Connection", name), "Arn")
		}
	}
	return ref(b.id("ConnectionArn", name))
}
