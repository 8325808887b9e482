package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

const (
	conv   = `"conversation_id":"0191e2a4-5b6c-4d7e-8f90-a1b2c3d4e5f6"`
	client = `"client_msg_id":"0191e2a4-5b6c-7d7e-8f90-a1b2c3d4e5f6"`
)

func TestDecodeClient(t *testing.T) {
	positions := func(n int) string {
		b, err := json.Marshal(make([]chat.Position, n))
		require.NoError(t, err)
		return `"positions":` + string(b)
	}
	for name, c := range map[string]struct {
		frame string
		code  chat.Code // "": the frame is good
	}{
		"send":                      {`{"type":"send",` + conv + `,` + client + `,"content":"hi"}`, ""},
		"send, unknown field":       {`{"type":"send",` + conv + `,` + client + `,"content":"hi","later":1}`, ""},
		"send, largest content":     {`{"type":"send",` + conv + `,` + client + `,"content":"` + strings.Repeat("x", chat.MaxContentBytes) + `"}`, ""},
		"send, too large":           {`{"type":"send",` + conv + `,` + client + `,"content":"` + strings.Repeat("x", chat.MaxContentBytes+1) + `"}`, chat.CodeTooLarge},
		"send, no content":          {`{"type":"send",` + conv + `,` + client + `}`, chat.CodeBadRequest},
		"send, no conversation":     {`{"type":"send",` + client + `,"content":"hi"}`, chat.CodeBadFrame},
		"send, no id":               {`{"type":"send",` + conv + `,"content":"hi"}`, chat.CodeBadRequest},
		"send, id of version 4":     {`{"type":"send",` + conv + `,` + strings.Replace(client, "7d7e", "4d7e", 1) + `,"content":"hi"}`, chat.CodeBadRequest},
		"send, id is no UUID":       {`{"type":"send",` + conv + `,"client_msg_id":"7","content":"hi"}`, chat.CodeBadFrame},
		"resume":                    {`{"type":"resume"}`, ""},
		"resume, most positions":    {`{"type":"resume",` + positions(chat.MaxPositions) + `}`, ""},
		"resume, too many":          {`{"type":"resume",` + positions(chat.MaxPositions+1) + `}`, chat.CodeBadFrame},
		"heartbeat":                 {`{"type":"heartbeat","positions":[]}`, ""},
		"heartbeat, too many":       {`{"type":"heartbeat",` + positions(chat.MaxPositions+1) + `}`, chat.CodeBadFrame},
		"received":                  {`{"type":"received",` + conv + `,"seq":3}`, ""},
		"received, no seq":          {`{"type":"received",` + conv + `}`, chat.CodeBadFrame},
		"received, negative seq":    {`{"type":"received",` + conv + `,"seq":-3}`, chat.CodeBadFrame},
		"received, huge seq":        {`{"type":"received",` + conv + `,"seq":1e30}`, chat.CodeBadFrame},
		"received, endless seq":     {`{"type":"received",` + conv + `,"seq":` + strings.Repeat("9", 50_000) + `}`, chat.CodeBadFrame},
		"received, no conversation": {`{"type":"received","seq":3}`, chat.CodeBadFrame},
		"auth":                      {`{"type":"auth","token":"x"}`, ""},
		"auth, no token":            {`{"type":"auth"}`, chat.CodeBadFrame},
		"no type":                   {`{}`, chat.CodeBadFrame},
		"unknown type":              {`{"type":"` + strings.Repeat("x", 1000) + `"}`, chat.CodeBadFrame},
		"a server's type":           {`{"type":"message"}`, chat.CodeBadFrame},
		"type of another kind":      {`{"type":1}`, chat.CodeBadFrame},
		"empty":                     {``, chat.CodeBadFrame},
		"null":                      {`null`, chat.CodeBadFrame},
		"array":                     {`[]`, chat.CodeBadFrame},
		"two frames":                {`{"type":"resume"}{"type":"resume"}`, chat.CodeBadFrame},
		"cut":                       {`{"type":"resume"`, chat.CodeBadFrame},
		"deep":                      {strings.Repeat(`{"a":`, 20_000), chat.CodeBadFrame},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := wire.DecodeClient([]byte(c.frame))
			if c.code == "" {
				require.NoError(t, err)
				again, err := wire.DecodeClient(wire.Encode(f))
				require.NoError(t, err)
				require.Equal(t, f.Type, again.Type)
				return
			}
			require.Error(t, err)
			e := chat.AsError(err)
			require.Equal(t, c.code, e.Code, e.Message)
			require.Less(t, len(e.Message), 300, "a stranger's text is not sent back at length")
		})
	}
}

func TestEncodeKeepsContentReadable(t *testing.T) {
	m := chat.Message{ID: chat.NewID(), Content: "a <b> & \"c\" \u2028 é", Type: chat.TypeText, CreatedAt: time.Unix(3, 0).UTC()}
	b := wire.Encode(wire.MessageFrame(m))
	require.Contains(t, string(b), `a <b> & \"c\"`)
	require.NotContains(t, string(b), "\n")
	require.True(t, strings.HasPrefix(string(b), `{"type":"message",`))
	var f wire.ServerFrame
	require.NoError(t, json.Unmarshal(b, &f))
	require.Equal(t, m.Content, f.Content)
	require.Equal(t, m.CreatedAt, f.CreatedAt)
}

func TestErrorFrameNamesTheSend(t *testing.T) {
	id := chat.NewID()
	f := wire.ErrorFrame(chat.Errorf(chat.CodeGroupLimit, "slow down").After(1500*time.Millisecond), id)
	require.JSONEq(t, `{"type":"error","client_msg_id":"`+id.String()+`","code":"group_rate_limited","message":"slow down","retry_after_ms":1500}`, string(wire.Encode(f)))
	require.JSONEq(t, `{"type":"error","code":"bad_frame","message":"x"}`, string(wire.Encode(wire.ErrorFrame(chat.Errorf(chat.CodeBadFrame, "x"), chat.ID{}))))
}

// Whatever a stranger sends is a frame within the limits or gets a refusal with a code of the table.
func FuzzDecodeClient(f *testing.F) {
	for _, seed := range []string{
		`{"type":"send",` + conv + `,` + client + `,"content":"hi"}`, `{"type":"received",` + conv + `,"seq":3}`, `{"type":"auth","token":"x"}`,
		`{"type":"resume","positions":[{` + conv + `,"seq":1,"timestamp":"0191e2a4-5b6c-1d7e-8f90-a1b2c3d4e5f6"}]}`, `{"type":"heartbeat"}`,
		`{"TYPE":"send"}`, `{"type":"send","content":"\ud800"}`, `[`, `null`, "{\"type\":\"\xff\"}", `{"type":"resume","positions":null}`,
	} {
		f.Add([]byte(seed))
	}
	codes := map[chat.Code]bool{}
	for _, c := range chat.Codes() {
		codes[c.Code] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := wire.DecodeClient(data)
		if err != nil {
			e := chat.AsError(err)
			require.True(t, codes[e.Code] && e.Code != chat.CodeInternal, "%s", err)
			require.LessOrEqual(t, utf8.RuneCountInString(e.Message), 300, "a stranger's text is not sent back at length")
			wire.Encode(wire.ErrorFrame(e, frame.ClientMsgID))
			return
		}
		require.LessOrEqual(t, len(frame.Content), chat.MaxContentBytes)
		require.LessOrEqual(t, len(frame.Positions), chat.MaxPositions)
		require.True(t, utf8.ValidString(frame.Content))
		again, err := wire.DecodeClient(wire.Encode(frame))
		require.NoError(t, err)
		require.Equal(t, wire.Encode(frame), wire.Encode(again))
	})
}
