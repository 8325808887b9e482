package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/buger/jsonparser"

	"github.com/chatlab/chatlab/system/chat"
)

// Range chooses messages of a conversation by the timestamps of messages. Empty means the newest.
type Range struct {
	Before    chat.ID
	After     chat.ID
	FromStart bool // after the beginning
	Limit     int  // chat.DefaultHistory when 0, at most chat.MaxHistoryLimit
}

func (r Range) query() string {
	q := url.Values{}
	if r.Before != (chat.ID{}) {
		q.Set("before", r.Before.String())
	}
	if r.After != (chat.ID{}) {
		q.Set("after", r.After.String())
	} else if r.FromStart {
		q.Set("after", "0")
	}
	if r.Limit > 0 {
		q.Set("limit", strconv.Itoa(r.Limit))
	}
	return q.Encode()
}

// History reads messages in the conversation's order, and says whether there are more in the direction of the range.
func (c *Client) History(ctx context.Context, conversation chat.ID, r Range) ([]chat.Message, bool, error) {
	body, err := c.call(ctx, http.MethodGet, "/api/v1/conversations/"+conversation.String()+"/messages?"+r.query(), nil)
	if err != nil {
		return nil, false, fmt.Errorf("read history: %w", err)
	}
	messages, more, err := decodePage(body, conversation)
	if err != nil {
		return nil, false, fmt.Errorf("read history: %w", err)
	}
	return messages, more, nil
}

func decodePage(body []byte, conversation chat.ID) ([]chat.Message, bool, error) {
	if _, t, _, err := jsonparser.Get(body, "messages"); err == nil && t == jsonparser.Null {
		return nil, false, nil
	}
	var messages []chat.Message
	_, err := jsonparser.ArrayEachErr(body, func(value []byte, _ jsonparser.ValueType, _ int, _ error) error {
		var m chat.Message
		if err := decodeMessage(value, &m); err != nil {
			return err
		}
		m.ConversationID = conversation
		messages = append(messages, m)
		return nil
	}, "messages")
	if err != nil {
		return nil, false, fmt.Errorf("decode page: %w", err)
	}
	more, err := jsonparser.GetBoolean(body, "more")
	if err != nil && !errors.Is(err, jsonparser.KeyPathNotFoundError) {
		return nil, false, fmt.Errorf("decode page: %w", err)
	}
	return messages, more, nil
}

// Conversation is a conversation as the list of a user's conversations shows it.
type Conversation struct {
	ID            chat.ID   `json:"conversation_id"`
	Type          string    `json:"type"`
	Members       []chat.ID `json:"members"`
	LastMessageAt time.Time `json:"last_message_at"`
	LastSeq       int64     `json:"last_seq"`
	ReadSeq       int64     `json:"read_seq"` // up to which the user has read, on any device
	Unread        int64     `json:"unread"`
	CreatedAt     time.Time `json:"created_at"`
}

// CreateConversation makes a conversation of chat.Direct or chat.Group.
func (c *Client) CreateConversation(ctx context.Context, kind string, members []chat.ID) (Conversation, error) {
	var out Conversation
	in := map[string]any{"type": kind, "members": members}
	err := c.ask(ctx, http.MethodPost, "/api/v1/conversations", in, &out)
	return out, wrap("create conversation", err)
}

// Conversations lists the user's conversations, most recent first, and says whether there are more.
func (c *Client) Conversations(ctx context.Context, limit, skip int) ([]Conversation, bool, error) {
	var out struct {
		Conversations []Conversation `json:"conversations"`
		More          bool           `json:"more"`
	}
	path := fmt.Sprintf("/api/v1/conversations?limit=%d&skip=%d", limit, skip)
	err := c.ask(ctx, http.MethodGet, path, nil, &out)
	return out.Conversations, out.More, wrap("list conversations", err)
}

// Members adds and removes members of a group.
func (c *Client) Members(ctx context.Context, conversation chat.ID, add, remove []chat.ID) error {
	in := struct {
		Add    []chat.ID `json:"add,omitempty"`
		Remove []chat.ID `json:"remove,omitempty"`
	}{add, remove}
	return wrap("change members", c.ask(ctx, http.MethodPost, "/api/v1/conversations/"+conversation.String()+"/members", in, nil))
}

// RegisterPush names the address at which a push provider, fcm or apns, reaches this device.
func (c *Client) RegisterPush(ctx context.Context, provider, token string) error {
	in := map[string]string{"device": c.cfg.Device, "provider": provider, "token": token}
	return wrap("register for push", c.ask(ctx, http.MethodPut, "/api/v1/devices", in, nil))
}

// Presence is what the system believes about one user's devices.
type Presence struct {
	UserID  chat.ID `json:"user_id"`
	Online  bool    `json:"online"`
	Devices []struct {
		Device string `json:"device"`
	} `json:"devices"`
}

// Presence asks who of the user's contacts is online.
func (c *Client) Presence(ctx context.Context, users ...chat.ID) ([]Presence, error) {
	var out struct {
		Presence []Presence `json:"presence"`
	}
	path := "/api/v1/presence?users="
	for i, u := range users {
		if i > 0 {
			path += ","
		}
		path += u.String()
	}
	err := c.ask(ctx, http.MethodGet, path, nil, &out)
	return out.Presence, wrap("ask presence", err)
}

func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	body, err := c.call(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
