package project

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// env reads an environment: names, and for each a value.
func (l *loader) env(dst *Env, label string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		env := Env{}
		l.entries(n, "env of "+label, func(key, value *yaml.Node) {
			if !envName.MatchString(key.Value) {
				l.errorf(key, "letters, digits and '_', not beginning with a digit", "an environment variable cannot be named %q", key.Value)
				return
			}
			if v, ok := l.secret(value, key.Value+" of "+label); ok {
				env[key.Value] = v
			}
		})
		*dst = env
	}
}

// secret reads a value: a literal, {from_env: NAME}, with a default or without, or {from_file: PATH}. No message of it holds the value.
func (l *loader) secret(n *yaml.Node, name string) (Secret, bool) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		if strings.ContainsRune(n.Value, 0) {
			l.errorf(n, "", "%s contains a NUL character", name)
			return "", false
		}
		return Secret(n.Value), true
	}
	if n.Kind != yaml.MappingNode {
		l.errorf(n, "a text, {from_env: NAME} or {from_file: PATH}", "%s must be a value, but is %s", name, what(n))
		return "", false
	}
	var variable, file, otherwise string
	found := l.object(n, name, fields{
		"from_env":  l.pattern(&variable, "from_env of "+name, envName, "the name of an environment variable"),
		"from_file": l.text(&file, "from_file of "+name),
		"default":   l.fallback(&otherwise, "default of "+name),
	})
	_, optional := found["default"]
	switch {
	case len(found) == 2 && variable != "" && optional:
		if v, ok := l.opts.LookupEnv(variable); ok {
			return Secret(v), true
		}
		return Secret(otherwise), true
	case len(found) != 1 || optional:
		l.errorf(n, "{from_env: NAME} or {from_file: PATH}", "%s must have exactly one source", name)
	case variable != "":
		return l.fromEnv(n, name, variable)
	case file != "":
		return l.fromFile(n, name, file)
	}
	return "", false
}

// fallback reads what stands for a variable that is not set: a text, which may be empty, or a number.
func (l *loader) fallback(dst *string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if v, ok := l.scalar(n, name, "text", "!!str", "!!int", "!!float"); ok {
			*dst = v
		}
	}
}

func (l *loader) fromEnv(n *yaml.Node, name, variable string) (Secret, bool) {
	v, ok := l.opts.LookupEnv(variable)
	if !ok {
		l.errorf(n, "set it before starting", "%s: the environment variable %s is not set", name, variable)
	}
	return Secret(v), ok
}

// fromFile reads a file without the line end at its end. Relative paths stay in the project folder; absolute ones are allowed,
// as that is where a container gets its secrets (/run/secrets).
func (l *loader) fromFile(n *yaml.Node, name, file string) (Secret, bool) {
	var text []byte
	var err error
	if filepath.IsAbs(file) {
		var f *os.File
		if f, err = os.Open(file); err == nil {
			text, err = readLimited(f, maxSecret)
			_ = f.Close() // only read from
		}
	} else {
		text, err = readFile(l.root, file, maxSecret)
	}
	if err != nil {
		l.errorf(n, "", "%s: reading %s: %v", name, file, cause(err))
		return "", false
	}
	v := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if strings.ContainsRune(v, 0) {
		l.errorf(n, "", "%s: %s contains a NUL character", name, file)
		return "", false
	}
	return Secret(v), true
}
