// Package cqlerror makes the errors that a CQL client is told about, each with its code of the native protocol.
package cqlerror

import (
	"errors"
	"fmt"

	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"
)

// Error is an answer of the server as a Go error.
type Error struct{ Answer message.Error }

func (e *Error) Error() string { return e.Answer.GetErrorMessage() }

// maxMessage keeps a message inside the protocol's [string], whose length has 16 bits, whatever text it quotes.
const maxMessage = 1000

func text(format string, args []any) string {
	s := fmt.Sprintf(format, args...)
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return s
}

// Syntax says that a statement cannot be parsed.
func Syntax(format string, args ...any) error {
	return &Error{&message.SyntaxError{ErrorMessage: text(format, args)}}
}

// Invalid says that a statement makes no sense for the schema, or is none that this server takes.
func Invalid(format string, args ...any) error {
	return &Error{&message.Invalid{ErrorMessage: text(format, args)}}
}

// Config says that an option of a keyspace is wrong.
func Config(format string, args ...any) error {
	return &Error{&message.ConfigError{ErrorMessage: text(format, args)}}
}

// Protocol says that a frame breaks the protocol.
func Protocol(format string, args ...any) error {
	return &Error{&message.ProtocolError{ErrorMessage: text(format, args)}}
}

// Exists says that a keyspace, or a table if it is named, exists already.
func Exists(keyspace, table string) error {
	what := "keyspace " + keyspace
	if table != "" {
		what = "table " + keyspace + "." + table
	}
	return &Error{&message.AlreadyExists{ErrorMessage: "cannot add already existing " + what, Keyspace: keyspace, Table: table}}
}

// Unprepared asks the client to prepare a statement again.
func Unprepared(id []byte) error {
	return &Error{&message.Unprepared{ErrorMessage: "the prepared statement is not known to this node", Id: id}}
}

// Unavailable says that fewer replicas are up than a consistency level needs.
func Unavailable(level primitive.ConsistencyLevel, required, alive int) error {
	return &Error{&message.Unavailable{
		ErrorMessage: text("cannot achieve consistency level: %d replicas required, %d alive", []any{required, alive}),
		Consistency:  level, Required: int32(required), Alive: int32(alive),
	}}
}

// Message is what the client is told about err.
func Message(err error) message.Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Answer
	}
	return &message.ServerError{ErrorMessage: text("%s", []any{err.Error()})}
}
