package project

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var substitutionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// substitution is a name and what stands for ${name} in a definition, as DefinitionSubstitutions of AWS SAM.
type substitution struct {
	at   *yaml.Node
	name string
	text string
}

// substitutions are those of a definition. Broken: one of them could not be read, so that the definition cannot be judged.
type substitutions struct {
	list   []substitution
	broken bool
}

// substitutions reads names, and for each a value. A value has no place for a secret: definitions are shown to whoever may read.
func (l *loader) substitutions(dst *substitutions, label string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		l.entries(n, "substitutions of "+label, func(key, value *yaml.Node) {
			before := l.diags.Errors()
			defer func() { dst.broken = dst.broken || l.diags.Errors() > before }()
			if !substitutionName.MatchString(key.Value) {
				l.errorf(key, "letters, digits and '_', beginning with a letter", "a substitution cannot be named %q", key.Value)
				return
			}
			v, ok := l.secret(value, key.Value+" of "+label)
			if ok && strings.ContainsAny(string(v), "\r\n") {
				l.errorf(resolve(value), "", "%s of %s has more than one line", key.Value, label)
				return
			}
			if ok {
				dst.list = append(dst.list, substitution{key, key.Value, string(v)})
			}
		})
	}
}

// substitute puts values in the place of ${name} in a definition. What a value holds is not looked into.
func (l *loader) substitute(text []byte, list []substitution, file string) []byte {
	places := make([]string, 0, 2*len(list))
	for _, s := range list {
		place := "${" + s.name + "}"
		if !bytes.Contains(text, []byte(place)) {
			l.errorf(s.at, "write "+place+" there, or take it out here", "%s does not hold the substitution %s", file, s.name)
		}
		places = append(places, place, s.text)
	}
	return []byte(strings.NewReplacer(places...).Replace(string(text)))
}
