package edge

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/api"
	"github.com/chatlab/chatlab/system/wire"
)

// TestEveryFieldOfABodyIsDescribed compares the bodies with the schemas of the OpenAPI document, both ways.
func TestEveryFieldOfABodyIsDescribed(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI())
	require.NoError(t, err)
	bodies := map[string]any{
		"SessionRequest": sessionRequest{}, "Session": sessionAnswer{},
		"CreateConversation": createRequest{}, "CreatedConversation": createAnswer{},
		"Conversations": listAnswer{}, "Conversation": conversation{}, "Inbox": inboxAnswer{}, "Glance": glance{},
		"ChangeMembers": membersRequest{}, "SendMessage": sendRequest{}, "SentMessage": sendAnswer{}, "History": historyAnswer{},
		"SignOfLife": presenceRequest{}, "Presences": presenceAnswer{}, "Presence": presence{}, "OnlineDevice": device{},
		"PushDevice": deviceRequest{}, "ReadUpTo": readRequest{}, "Receipts": receiptsAnswer{}, "Receipt": wire.Receipt{}, "Problem": problem{},
	}
	for name, s := range doc.Components.Schemas {
		if s.Value.Type.Is("object") && name != "Message" { // that is the frame's, which the live tests judge
			require.Contains(t, bodies, name, "a schema that no body is compared with")
		}
	}
	for name, body := range bodies {
		require.Contains(t, doc.Components.Schemas, name)
		schema := doc.Components.Schemas[name].Value
		require.ElementsMatch(t, bodyFields(body), slices.Collect(maps.Keys(schema.Properties)), name)
		require.Subset(t, bodyFields(body), schema.Required, name)
	}
}

func bodyFields(body any) (names []string) {
	of := reflect.TypeOf(body)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
