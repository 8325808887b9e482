package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/api"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/edge"
)

func openAPI(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI())
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	return doc
}

func TestEveryRouteIsDescribed(t *testing.T) {
	var described []string
	doc := openAPI(t)
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	require.ElementsMatch(t, edge.Routes(), described)
}

// TestEveryOperationIsWhole walks what each operation must have: a name, a refusal, and a token but for the documents.
func TestEveryOperationIsWhole(t *testing.T) {
	names := map[string]string{}
	for path, item := range openAPI(t).Paths.Map() {
		for method, o := range item.Operations() {
			at := method + " " + path
			require.Empty(t, names[o.OperationID], "%s: operationId %q is taken", at, o.OperationID)
			names[o.OperationID] = at
			require.NotNil(t, o.Responses.Default(), at)
			require.Equal(t, strings.HasSuffix(path, ".yaml"), o.Security != nil, at)
			if method == http.MethodPost || method == http.MethodPut {
				require.NotNil(t, o.RequestBody, at)
			}
		}
	}
}

func TestLimitsOfREST(t *testing.T) {
	doc := openAPI(t)
	schema := func(name string) *openapi3.Schema {
		require.Contains(t, doc.Components.Schemas, name)
		return doc.Components.Schemas[name].Value
	}
	property := func(of, name string) *openapi3.Schema {
		require.Contains(t, schema(of).Properties, name)
		return schema(of).Properties[name].Value
	}
	query := func(path, name string) *openapi3.Schema {
		return doc.Paths.Find(path).Get.Parameters.GetByInAndName("query", name).Schema.Value
	}
	history := query("/api/v1/conversations/{id}/messages", "limit")
	require.EqualValues(t, chat.MaxContentBytes, *property("SendMessage", "content").MaxLength)
	require.EqualValues(t, chat.MaxDeviceName, *schema("Device").MaxLength)
	require.EqualValues(t, chat.MaxMembers, *schema("Members").MaxItems)
	require.EqualValues(t, chat.MaxMembers, *property("CreateConversation", "members").MaxItems)
	require.EqualValues(t, chat.MaxHistoryLimit, *history.Max)
	require.EqualValues(t, chat.MaxHistoryLimit, *property("History", "messages").MaxItems)
	require.EqualValues(t, chat.DefaultHistory, history.Default)
	require.EqualValues(t, chat.MaxPresenceUsers, *query("/api/v1/presence", "users").MaxItems)
	require.EqualValues(t, chat.MaxPushToken, *property("PushDevice", "token").MaxLength)
	require.Equal(t, []any{chat.ProviderFCM, chat.ProviderAPNs}, property("PushDevice", "provider").Enum)
	require.Equal(t, []any{chat.Direct, chat.Group}, schema("Kind").Enum)
	require.Equal(t, []any{chat.TypeText, chat.TypeMembersAdded, chat.TypeMembersRemoved}, property("Message", "message_type").Enum)
}

// refusal is a problem whose status and code fit together.
func requireRefusal(t *testing.T, status int, body []byte) chat.Code {
	t.Helper()
	var p struct {
		Status int       `json:"status"`
		Code   chat.Code `json:"code"`
	}
	require.NoError(t, json.Unmarshal(body, &p))
	i := slices.IndexFunc(chat.Codes(), func(c chat.CodeInfo) bool { return c.Code == p.Code })
	require.GreaterOrEqual(t, i, 0, "%s", body)
	require.Equal(t, chat.Codes()[i].Status, status, "%s", body)
	require.Equal(t, p.Status, status)
	return p.Code
}
