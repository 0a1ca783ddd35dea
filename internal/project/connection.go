package project

import (
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

var parameterName = regexp.MustCompile(`^[^\x00-\x1f]{1,256}$`)

// connection reads a connection: how requests of http:invoke show who they come from.
func (l *loader) connection(key, n *yaml.Node) {
	label := "connection " + key.Value
	if !functionName.MatchString(key.Value) {
		l.errorf(key, "letters, digits, '-' and '_', at most 64", "a connection cannot be named %q", key.Value)
	}
	c := Connection{Name: key.Value}
	found := l.object(n, label, fields{
		"basic": func(n *yaml.Node) {
			c.Basic = &BasicAuth{}
			l.complete(n, "basic of "+label, fields{
				"username": l.text(&c.Basic.Username, "username of "+label),
				"password": l.secretText(&c.Basic.Password, "password of "+label),
			})
		},
		"api_key": func(n *yaml.Node) {
			c.APIKey = &APIKeyAuth{}
			l.complete(n, "api_key of "+label, fields{
				"header": l.pattern(&c.APIKey.Header, "header of "+label, headerName, "the name of an HTTP header, such as X-Api-Key"),
				"value":  l.secretText(&c.APIKey.Value, "value of "+label),
			})
		},
		"oauth": func(n *yaml.Node) {
			c.OAuth = &OAuth{}
			from := l.object(n, "oauth of "+label, fields{
				"token_url":     l.url(&c.OAuth.TokenURL, "token_url of "+label),
				"client_id":     l.text(&c.OAuth.ClientID, "client_id of "+label),
				"client_secret": l.secretText(&c.OAuth.ClientSecret, "client_secret of "+label),
				"scope":         l.text(&c.OAuth.Scope, "scope of "+label),
				"body":          l.secrets(&c.OAuth.Body, "oauth body of "+label, parameterName, "1 to 256 characters"),
			})
			for _, field := range []string{"token_url", "client_id", "client_secret"} {
				l.require(n, "oauth of "+label, from, field, "the server gives tokens for client credentials")
			}
		},
		"headers": l.secrets(&c.Headers, "headers of "+label, headerName, "such as X-Tenant"),
		"query":   l.secrets(&c.Query, "query of "+label, parameterName, "1 to 256 characters"),
		"body":    l.secrets(&c.Body, "body of "+label, parameterName, "1 to 256 characters"),
	})
	if len(found) == 0 {
		l.errorf(key, "one of basic, api_key and oauth, or headers, query, body", "%s says nothing", label)
	}
	kinds := 0
	for _, kind := range []string{"basic", "api_key", "oauth"} {
		if found[kind] != nil {
			kinds++
		}
	}
	if kinds > 1 {
		l.errorf(key, "one of basic, api_key and oauth", "%s has %d ways to authenticate", label, kinds)
	}
	l.project.Connections = append(l.project.Connections, c)
}

// secrets reads values by name; rule says in words what a name is.
func (l *loader) secrets(dst *Secrets, label string, valid *regexp.Regexp, rule string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		all := Secrets{}
		l.entries(n, label, func(key, value *yaml.Node) {
			if !valid.MatchString(key.Value) {
				l.errorf(key, rule, "%q cannot be a name in %s", key.Value, label)
			} else if v, ok := l.secret(value, key.Value+" in "+label); ok {
				all[key.Value] = v
			}
		})
		*dst = all
	}
}

// complete reads a mapping in which no field may be missing.
func (l *loader) complete(n *yaml.Node, name string, known fields) {
	found := l.object(n, name, known)
	for _, field := range slices.Sorted(maps.Keys(known)) {
		l.require(n, name, found, field, "")
	}
}

func (l *loader) secretText(dst *Secret, name string) func(*yaml.Node) {
	return func(n *yaml.Node) { *dst, _ = l.secret(n, name) }
}

// names reads a list of names.
func (l *loader) names(dst *[]string, kind string, check func(dst *string, label string) func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolve(n)
		if isNull(n) {
			return
		}
		if n.Kind != yaml.SequenceNode {
			l.errorf(n, "begin each with \"- \"", "%ss must be a list of names, but is %s", kind, what(n))
			return
		}
		for _, item := range n.Content {
			var name string
			if check(&name, "name of a "+kind)(item); name != "" {
				*dst = append(*dst, name)
			}
		}
	}
}
