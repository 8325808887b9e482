package fanout_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// placed waits until a conversation has so many places.
func (r *rig) placed(conv chat.ID, seq int64) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		head, err := r.store.Head(r.t.Context(), conv)
		return err == nil && head.Seq >= seq
	}, 20*time.Second, 10*time.Millisecond)
}

// newest is what the user's inbox names, by conversation; 0: it knows nothing.
func (r *rig) newest(user chat.ID) map[chat.ID]int64 {
	all, err := r.store.Memberships(r.t.Context(), user)
	require.NoError(r.t, err)
	out := map[chat.ID]int64{}
	for _, m := range all {
		out[m.ConversationID] = 0
		if m.Newest != nil {
			out[m.ConversationID] = m.Newest.Seq
		}
	}
	return out
}

func (r *rig) heads(user chat.ID) map[chat.ID]int64 {
	res, err := r.service.Heads(r.t.Context(), &pb.HeadsRequest{UserId: user[:]})
	require.NoError(r.t, err)
	out := map[chat.ID]int64{}
	for _, p := range wire.PositionsFromPB(res.Newer) {
		out[p.ConversationID] = p.Seq
	}
	return out
}

// TestInboxesNameTheNewest shows that members' inboxes follow small conversations, forget a group in the moment in which
// it becomes big, and follow it again when it is small; what is new a device learns in any case.
func TestInboxesNameTheNewest(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	defer r.work()()
	var users []chat.ID
	for range chat.MaxSocialGroup {
		users = append(users, chat.NewID())
	}
	alice, late := users[0], chat.NewID()
	pair, group := r.conversation(alice, users[1]), r.conversation(users...)
	say := func(conv chat.ID, n int) { r.send(alice, conv, chat.NewClientMsgID(time.Now()), fmt.Sprint(n)) }
	follows := func(conv chat.ID, seq int64, user chat.ID, inbox int64) {
		t.Helper()
		r.placed(conv, seq)
		require.Eventually(t, func() bool { return r.newest(user)[conv] == inbox }, 20*time.Second, 10*time.Millisecond)
		require.Eventually(t, func() bool { return r.heads(user)[conv] == seq }, 20*time.Second, 10*time.Millisecond)
	}
	change := func(req *pb.ChangeMembersRequest) {
		t.Helper()
		req.UserId, req.ConversationId = alice[:], group[:]
		_, err := r.service.ChangeMembers(t.Context(), req)
		require.NoError(t, err)
	}
	say(pair, 1)
	say(pair, 2)
	say(group, 1)
	follows(pair, 2, users[1], 2)
	follows(group, 1, users[7], 1)

	change(&pb.ChangeMembersRequest{Add: late[:]})
	follows(group, 2, users[7], 0)
	follows(group, 2, late, 0)
	say(group, 3)
	follows(group, 3, users[7], 0)

	change(&pb.ChangeMembersRequest{Remove: late[:]})
	r.placed(group, 4)
	say(group, 5)
	follows(group, 5, users[7], 5)
	require.EqualValues(t, 2, r.newest(users[1])[pair], "the other conversation is as it was")
}

// TestFirstScreen shows the order of an inbox, its counts, and that it shows nobody what they may not see.
func TestFirstScreen(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	defer r.work()()
	alice, bob, late := chat.NewID(), chat.NewID(), chat.NewID()
	older, newer := r.conversation(alice, bob), r.conversation(alice, bob)
	for n := range 3 {
		r.send(alice, older, chat.NewClientMsgID(time.Now()), fmt.Sprint(n))
	}
	r.placed(older, 3)
	r.send(alice, newer, chat.NewClientMsgID(time.Now()), "secret")
	r.placed(newer, 1)
	_, err := r.service.ChangeMembers(t.Context(), &pb.ChangeMembersRequest{UserId: alice[:], ConversationId: newer[:], Add: late[:]})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.newest(late)[newer] == 2 }, 20*time.Second, 10*time.Millisecond)
	inbox := func(user chat.ID, limit, messages int32) *pb.InboxResponse {
		res, err := r.service.Inbox(t.Context(), &pb.InboxRequest{UserId: user[:], Limit: limit, Messages: messages})
		require.NoError(t, err)
		return res
	}
	res := inbox(bob, 5, 2)
	require.Len(t, res.Entries, 2)
	require.False(t, res.More)
	require.Equal(t, newer, wire.ID(res.Entries[0].Conversation.ConversationId))
	require.EqualValues(t, 2, res.Entries[0].Conversation.Unread)
	require.EqualValues(t, 3, res.Entries[1].Conversation.Unread)
	require.Equal(t, []string{"1", "2"}, []string{res.Entries[1].Messages[0].Content, res.Entries[1].Messages[1].Content})
	require.True(t, inbox(bob, 1, 2).More)

	res = inbox(late, 5, 9)
	require.Len(t, res.Entries, 1)
	require.Len(t, res.Entries[0].Messages, 1, "only what came with the membership")
	require.EqualValues(t, 2, res.Entries[0].Messages[0].Seq)
	require.EqualValues(t, 1, res.Entries[0].Conversation.Unread)
	for _, messages := range []int32{0, 51} {
		_, err := r.service.Inbox(t.Context(), &pb.InboxRequest{UserId: bob[:], Limit: 1, Messages: messages})
		require.Equal(t, chat.CodeBadRequest, chat.AsError(err).Code)
	}
}

// TestOwnMessagesAreNotUnread shows that who sends has read what stands before, by the inbox, also where others' messages
// were stored together with theirs, and in a big group, whose inboxes do not name the newest.
func TestOwnMessagesAreNotUnread(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	var users []chat.ID
	for range chat.MaxSocialGroup + 1 {
		users = append(users, chat.NewID())
	}
	alice, bob := users[0], users[1]
	pair, group := r.conversation(alice, bob), r.conversation(users...)
	for _, conv := range []chat.ID{pair, group} {
		for _, sender := range []chat.ID{alice, alice, bob} { // nobody works yet: they wait together
			r.send(sender, conv, chat.NewClientMsgID(time.Now()), "hello")
		}
	}
	defer r.work()()
	r.placed(pair, 3)
	r.placed(group, 3)
	unread := func(user chat.ID) map[chat.ID]int64 {
		res, err := r.service.ListConversations(t.Context(), &pb.ListConversationsRequest{UserId: user[:], Limit: 5})
		require.NoError(t, err)
		out := map[chat.ID]int64{}
		for _, c := range res.Conversations {
			out[wire.ID(c.ConversationId)] = c.Unread
		}
		return out
	}
	for user, want := range map[chat.ID]map[chat.ID]int64{alice: {pair: 1, group: 1}, bob: {pair: 0, group: 0}, users[2]: {group: 3}} {
		require.Eventually(t, func() bool { return maps.Equal(want, unread(user)) }, 20*time.Second, 10*time.Millisecond, "want %v", want)
	}
}
