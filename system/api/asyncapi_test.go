package api_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/chatlab/chatlab/system/api"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// asyncDocument is the AsyncAPI document as a test reads it.
type asyncDocument struct {
	root     map[string]any
	compiler *jsonschema.Compiler
}

// asyncAPI reads the document. Its objects take further properties, so that a client does not break when one is
// added; here none may be there that the document does not name.
func asyncAPI(t *testing.T) asyncDocument {
	t.Helper()
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal(api.AsyncAPI(), &tree))
	closeObjects(tree)
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("asyncapi.json", doc))
	return asyncDocument{doc.(map[string]any), c}
}

// closeObjects forbids properties that a schema does not name.
func closeObjects(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, open := n["additionalProperties"]; n["type"] == "object" && n["properties"] != nil && !open {
			n["additionalProperties"] = false
		}
		for _, v := range n {
			closeObjects(v)
		}
	case []any:
		for _, v := range n {
			closeObjects(v)
		}
	}
}

func (d asyncDocument) at(t *testing.T, path ...string) map[string]any {
	t.Helper()
	node := d.root
	for _, p := range path {
		next, ok := node[p].(map[string]any)
		require.True(t, ok, "%v: no %s", path, p)
		node = next
	}
	return node
}

// frames are the payloads of one direction's messages, by their type.
func (d asyncDocument) frames(t *testing.T, direction string) map[string]map[string]any {
	all := map[string]map[string]any{}
	for name := range d.at(t, "components", "messages") {
		if typ, ok := strings.CutPrefix(name, direction+"_"); ok {
			all[typ] = d.at(t, "components", "messages", name, "payload")
			require.Equal(t, typ, d.at(t, "components", "messages", name, "payload", "properties", "type")["const"])
		}
	}
	return all
}

// validate judges the JSON of a message or of a schema of the document.
func (d asyncDocument) validate(t *testing.T, pointer string, text []byte) error {
	t.Helper()
	s, err := d.compiler.Compile("asyncapi.json#/components/" + pointer)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return s.Validate(value)
}

// tags are the names of a struct's JSON fields, and those that are always there.
func tags(of any) (all, always []string) {
	for f := range fields(reflect.TypeOf(of)) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
	}
	return all, always
}

func fields(of reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range of.NumField() {
			if !yield(of.Field(i)) {
				return
			}
		}
	}
}

func TestEveryFieldOfAFrameIsDescribed(t *testing.T) {
	d := asyncAPI(t)
	for direction, frame := range map[string]any{"client": wire.ClientFrame{}, "server": wire.ServerFrame{}} {
		described := map[string]bool{}
		for _, payload := range d.frames(t, direction) {
			for name := range payload["properties"].(map[string]any) {
				described[name] = true
			}
		}
		all, _ := tags(frame)
		require.ElementsMatch(t, all, slices.Collect(maps.Keys(described)), "%s frames", direction)
	}
}

func TestEveryFieldOfARecordIsDescribed(t *testing.T) {
	d := asyncAPI(t)
	for name, of := range map[string]any{
		"Record": wire.Record{}, "ReceiptRecord": wire.ReceiptRecord{}, "ReceiptCursor": wire.ReceiptCursor{},
		"Receipt": wire.Receipt{}, "UserPresence": wire.UserPresence{}, "Position": chat.Position{},
	} {
		s := d.at(t, "components", "schemas", name)
		all, always := tags(of)
		require.ElementsMatch(t, all, slices.Collect(maps.Keys(s["properties"].(map[string]any))), name)
		require.ElementsMatch(t, always, s["required"], "required of %s", name)
	}
}

// TestEveryTypeOfFrameIsDescribed reads the types out of the code's constants, and asks the decoder which a device may send.
func TestEveryTypeOfFrameIsDescribed(t *testing.T) {
	d := asyncAPI(t)
	var fromDevice []string
	types := frameTypes(t)
	for _, typ := range types {
		if _, err := wire.DecodeClient([]byte(`{"type":"` + typ + `"}`)); err == nil || !strings.Contains(err.Error(), "is unknown") {
			fromDevice = append(fromDevice, typ)
		}
	}
	client, server := slices.Sorted(maps.Keys(d.frames(t, "client"))), slices.Sorted(maps.Keys(d.frames(t, "server")))
	require.ElementsMatch(t, fromDevice, client)
	require.ElementsMatch(t, types, slices.Compact(slices.Sorted(slices.Values(append(client, server...)))))
}

// frameTypes are the values of the constants Type... in frames.go.
func frameTypes(t *testing.T) []string {
	types := constants(t, "../wire/frames.go", "Type")
	require.Greater(t, len(types), 10)
	return types
}

// constants are the values of a file's constants whose names begin so.
func constants(t *testing.T, file, prefix string) (values []string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, prefix) {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			values = append(values, text)
		}
		return true
	})
	return values
}

func TestEveryHeaderOfADeadLetterIsDescribed(t *testing.T) {
	d := asyncAPI(t)
	described := append(slices.Collect(maps.Keys(d.at(t, "components", "messages", "dead_letter", "headers", "properties"))),
		slices.Collect(maps.Keys(d.at(t, "components", "messages", "replay", "headers", "properties")))...)
	require.ElementsMatch(t, constants(t, "../deadletter/letter.go", "header"), described)
}

func TestLimitsOfFrames(t *testing.T) {
	d := asyncAPI(t)
	number := func(field string, path ...string) int {
		n, err := d.at(t, append([]string{"components"}, path...)...)[field].(json.Number).Int64()
		require.NoError(t, err)
		return int(n)
	}
	require.Equal(t, chat.MaxContentBytes, number("maxLength", "schemas", "Content"))
	require.Equal(t, chat.MaxPositions, number("maxItems", "schemas", "Positions"))
	require.Equal(t, chat.MaxSubscriptions, number("maxItems", "messages", "client_subscribe", "payload", "properties", "users"))
	require.Equal(t, chat.MaxMembers, number("maxItems", "schemas", "Record", "properties", "recipients"))
	require.Contains(t, d.at(t, "info")["description"], strconv.Itoa(chat.MaxFrameBytes>>10)+" KB")
}

// TestTopics compares the addresses of the channels with the code's names.
func TestTopics(t *testing.T) {
	var addresses []any
	for _, c := range asyncAPI(t).at(t, "channels") {
		addresses = append(addresses, c.(map[string]any)["address"])
	}
	require.ElementsMatch(t, []any{"/ws", wire.TopicMessages, wire.TopicReceipts, wire.TopicDeadLetters}, addresses)
}

// TestReferencesResolve follows every $ref, and asks that every message is in a channel, and of the socket's in an operation.
func TestReferencesResolve(t *testing.T) {
	d, seen := asyncAPI(t), map[string]bool{}
	var walk func(node any)
	walk = func(node any) {
		switch n := node.(type) {
		case map[string]any:
			if ref, ok := n["$ref"].(string); ok {
				seen[ref] = true
				d.at(t, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			for _, v := range n {
				walk(v)
			}
		case []any:
			for _, v := range n {
				walk(v)
			}
		}
	}
	walk(d.root)
	for name := range d.at(t, "components", "messages") {
		require.True(t, seen["#/components/messages/"+name], "message %s is in no channel", name)
	}
	for name := range d.at(t, "channels", "socket", "messages") {
		require.True(t, seen["#/channels/socket/messages/"+name], "message %s is in no operation", name)
	}
}

// TestADocumentThatLiesIsSeen shows that the judgement can fail.
func TestADocumentThatLiesIsSeen(t *testing.T) {
	d := asyncAPI(t)
	require.NoError(t, d.validate(t, "messages/client_typing/payload", []byte(`{"type":"typing","conversation_id":"00000000-0000-4000-8000-000000000001"}`)))
	require.Error(t, d.validate(t, "messages/client_typing/payload", []byte(`{"type":"typing","conversation_id":"x"}`)))
	require.Error(t, d.validate(t, "messages/client_typing/payload", []byte(`{"type":"send"}`)))
	require.Error(t, d.validate(t, "messages/client_heartbeat/payload", []byte(`{"type":"heartbeat","place":1}`)), "a property that it does not name")
	require.Error(t, d.validate(t, "schemas/Code", []byte(`"no_such_code"`)))
}
