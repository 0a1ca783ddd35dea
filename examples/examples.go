// Package examples holds projects that run as they are, so that the program can unpack them wherever it is.
package examples

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed stac/sundog.yaml stac/README.md stac/payloads.ndjson stac/workflows stac/functions stac/items stac/process
//go:embed tasks
//go:embed stac/scenes/main.go stac/scenes/runtime.go stac/scenes/inspect.go stac/scenes/geometry.go stac/scenes/plan.go stac/scenes/summarise.go
var files embed.FS

// STAC is the example project "stac": sundog.yaml is at its root.
func STAC() fs.FS { return project("stac") }

// Tasks is the example project "tasks".
func Tasks() fs.FS { return project("tasks") }

func project(name string) fs.FS {
	project, err := fs.Sub(files, name)
	if err != nil {
		panic(fmt.Sprintf("examples: %v", err)) // the names are constants, and valid
	}
	return project
}

// Payloads are the payloads of the project "stac", one JSON document each. One is invalid, and one is retried.
func Payloads() [][]byte {
	raw, err := files.ReadFile("stac/payloads.ndjson")
	if err != nil {
		panic(fmt.Sprintf("examples: %v", err)) // it is embedded
	}
	return bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
}
