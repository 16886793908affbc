// Package api holds the description of the REST API.
package api

import _ "embed" // for the document

// Document is the OpenAPI document, as YAML.
//
//go:embed openapi.yaml
var Document []byte
