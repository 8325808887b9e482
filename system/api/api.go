// Package api holds the documents of the system's interfaces: OpenAPI for REST, AsyncAPI for socket and topics.
package api

import _ "embed"

//go:embed openapi.yaml
var openAPI []byte

//go:embed asyncapi.yaml
var asyncAPI []byte

// OpenAPI is the OpenAPI 3.1 document of the edge's REST. It must not be changed.
func OpenAPI() []byte { return openAPI }

// AsyncAPI is the AsyncAPI 3.0 document of the WebSocket and of the topics. It must not be changed.
func AsyncAPI() []byte { return asyncAPI }
