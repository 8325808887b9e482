// Command generated lists a user's conversations, sends a message and reads it back, through a client made from openapi.yaml.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: generated EDGE TOKEN CONVERSATION TEXT")
		os.Exit(2)
	}
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	if err := talk(ctx, os.Args[1], os.Args[2], uuid.MustParse(os.Args[3]), os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func talk(ctx context.Context, edge, token string, conversation ID, text string) error {
	as := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	c, err := NewClientWithResponses(edge, WithRequestEditorFn(as))
	if err != nil {
		return err
	}
	list, err := c.ListConversationsWithResponse(ctx, &ListConversationsParams{})
	if err != nil {
		return err
	}
	if list.JSON200 == nil {
		return fmt.Errorf("list conversations: %s", list.Body)
	}
	for _, each := range list.JSON200.Conversations {
		fmt.Printf("%s: %d messages, %d unread\n", each.ConversationId, each.LastSeq, each.Unread)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	sent, err := c.SendMessageWithResponse(ctx, conversation, SendMessage{ClientMsgId: id, Content: text})
	if err != nil {
		return err
	}
	if sent.JSON201 == nil {
		return fmt.Errorf("send: %s", sent.Body)
	}
	return read(ctx, c, conversation, sent.JSON201.MessageId)
}

// read prints history up to the message, which the log has and the store will have in a moment.
func read(ctx context.Context, c *ClientWithResponses, conversation, until ID) error {
	after, pace := "0", time.NewTicker(100*time.Millisecond)
	defer pace.Stop()
	for ; ; <-pace.C {
		page, err := c.ReadHistoryWithResponse(ctx, conversation, &ReadHistoryParams{After: &after})
		if err != nil {
			return err
		}
		if page.JSON200 == nil {
			return fmt.Errorf("read history: %s", page.Body)
		}
		for _, m := range page.JSON200.Messages {
			after = m.Timestamp.String()
			fmt.Println(strconv.FormatInt(*m.Seq, 10), m.Content)
			if m.MessageId == until {
				return nil
			}
		}
	}
}
