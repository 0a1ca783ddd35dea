package api

import "embed"

// Source is the source of this package: what its comments say of documents and their fields is what the description of the API says.
//
//go:embed *.go
var Source embed.FS
