package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestPrefixesDiffer makes sure that no two kinds of keys share a prefix: they would mix.
func TestPrefixesDiffer(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "keys.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // by prefix
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(strings.ToLower(spec.Names[0].Name), "prefix") {
			return true
		}
		name, value := spec.Names[0].Name, spec.Values[0].(*ast.BasicLit).Value
		if other, taken := names[value]; taken {
			t.Errorf("%s and %s are both %s", other, name, value)
		}
		names[value] = name
		return true
	})
	if len(names) < 40 {
		t.Errorf("only %d prefixes were found in keys.go", len(names))
	}
}
