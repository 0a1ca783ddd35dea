package openapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
)

// Notes are what types do not say of themselves. Keys are the name of a schema ("Record"), or of one of its properties ("Record.state").
type Notes struct {
	Texts  map[string]string   // descriptions
	Values map[string][]string // of a property that has no others
}

// Comments reads descriptions from the comments of structs and their fields in the Go files of a folder. A comment belongs to the
// field that follows it or that it stands beside.
func Comments(source fs.FS) (map[string]string, error) {
	names, err := fs.Glob(source, "*.go")
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("reading the comments of %s: %w", name, err)
		}
		for _, d := range file.Decls {
			if general, ok := d.(*ast.GenDecl); ok {
				structComments(general, texts)
			}
		}
	}
	return texts, nil
}

func structComments(d *ast.GenDecl, texts map[string]string) {
	for _, spec := range d.Specs {
		named, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		typ, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		note(texts, named.Name.Name, d.Doc)
		for _, field := range typ.Fields.List {
			if field.Tag == nil {
				continue
			}
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				continue
			}
			property, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			note(texts, named.Name.Name+"."+property, field.Doc)
			note(texts, named.Name.Name+"."+property, field.Comment)
		}
	}
}

func note(texts map[string]string, key string, c *ast.CommentGroup) {
	if text := strings.Join(strings.Fields(c.Text()), " "); text != "" {
		texts[key] = text
	}
}
