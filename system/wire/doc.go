// Package wire holds what crosses a process boundary: WebSocket frames, log records and, in package pb, gRPC messages.
package wire
