package project

import (
	"os"

	"go.yaml.in/yaml/v3"
)

// Places finds where in the project file something stands, for complaints that Load has no part in. The zero value finds nothing.
type Places struct{ document *yaml.Node }

// ReadPlaces reads the project file of a folder, which Load has taken; of one that cannot be read nothing is found.
func ReadPlaces(dir string) Places {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Places{}
	}
	defer func() { _ = root.Close() }() // only read from
	text, err := readFile(root, FileName, maxFile)
	if err != nil {
		return Places{}
	}
	d := decoder{file: FileName, diags: new(Diagnostics)}
	document, _ := d.parse(text)
	return Places{document}
}

// At returns a diagnostic without a reason, for a place of the project file: that of the last of the names that is there, each being a field of
// what the one before names. In a list it is the entry with that name.
func (p Places) At(names ...string) Diagnostic {
	d := Diagnostic{File: FileName}
	n := p.document
	for _, name := range names {
		key, value := field(n, name)
		if key == nil {
			break
		}
		d.Line, d.Column, n = key.Line, key.Column, value
	}
	return d
}

// field finds the entry of a mapping, or of a list of mappings that have names.
func field(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil {
		return nil, nil
	}
	switch n = resolve(n); n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := resolve(n.Content[i]); key.Value == name {
				return key, n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if _, v := field(item, "name"); v != nil && resolve(v).Value == name {
				return resolve(item), item
			}
		}
	}
	return nil, nil
}
