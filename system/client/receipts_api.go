package client

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// Receipts asks how many of the other members of a conversation have got and read the messages at some places, and how
// many others there are.
func (c *Client) Receipts(ctx context.Context, conversation chat.ID, seqs ...int64) (counts []wire.Receipt, members int, err error) {
	texts := make([]string, len(seqs))
	for i, s := range seqs {
		texts[i] = strconv.FormatInt(s, 10)
	}
	var out struct {
		Members  int            `json:"members"`
		Receipts []wire.Receipt `json:"receipts"`
	}
	path := fmt.Sprintf("/api/v1/conversations/%s/receipts?seq=%s", conversation, strings.Join(texts, ","))
	err = c.ask(ctx, http.MethodGet, path, nil, &out)
	return out.Receipts, out.Members, wrap("ask for receipts", err)
}

// ReadUpTo says over REST that the user has read a conversation up to a place. When it returns nil, that is stored.
func (c *Client) ReadUpTo(ctx context.Context, conversation chat.ID, seq int64) error {
	path := "/api/v1/conversations/" + conversation.String() + "/read"
	return wrap("read", c.ask(ctx, http.MethodPost, path, map[string]int64{"seq": seq}, nil))
}
