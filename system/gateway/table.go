package gateway

import (
	"encoding/binary"
	"sync"

	"github.com/chatlab/chatlab/system/chat"
)

const shardBits = 6

// table finds a user's sessions. It is split by a hash of the user, so that workers that deliver to different users
// rarely meet.
type table struct {
	shards [1 << shardBits]shard
}

type shard struct {
	mu    sync.RWMutex
	users map[chat.ID]*session // the first of the user's devices; the others follow by session.next
}

func (t *table) init() {
	for i := range t.shards {
		t.shards[i].users = map[chat.ID]*session{}
	}
}

func (t *table) shard(user chat.ID) *shard {
	h := binary.LittleEndian.Uint64(user[:8]) ^ binary.LittleEndian.Uint64(user[8:])
	return &t.shards[h*0x9e3779b97f4a7c15>>(64-shardBits)]
}

// add enters a session and returns the one that it ends: the older one of the same device, which is the session itself
// if a connection with a higher epoch is there already.
func (t *table) add(s *session) (loser *session) {
	sh := t.shard(s.user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for at := sh.users[s.user]; at != nil; at = at.next {
		if at.device != s.device {
			continue
		}
		if at.epoch > s.epoch {
			return s
		}
		sh.unlink(at)
		loser = at
		break
	}
	s.next = sh.users[s.user]
	sh.users[s.user] = s
	return loser
}

// remove takes a session out and says whether it was in.
func (t *table) remove(s *session) bool {
	sh := t.shard(s.user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.unlink(s)
}

func (sh *shard) unlink(s *session) bool {
	first := sh.users[s.user]
	if first == s {
		if s.next == nil {
			delete(sh.users, s.user)
		} else {
			sh.users[s.user] = s.next
		}
		return true
	}
	for at := first; at != nil; at = at.next {
		if at.next == s {
			at.next = s.next
			return true
		}
	}
	return false
}

// push puts a frame into the outbox of each of the user's devices and returns how many took it.
func (t *table) push(user chat.ID, frame []byte) (taken int) {
	t.eachOf(user, func(s *session) {
		if s.push(frame) {
			taken++
		}
	})
	return taken
}

// eachOf visits the user's sessions; visit must not come back to the table.
func (t *table) eachOf(user chat.ID, visit func(*session)) {
	sh := t.shard(user)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	for s := sh.users[user]; s != nil; s = s.next {
		visit(s)
	}
}

// has says whether a user has a session here.
func (t *table) has(user chat.ID) bool {
	sh := t.shard(user)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.users[user] != nil
}

// each visits every session; visit must not come back to the table.
func (t *table) each(visit func(*session)) {
	for i := range t.shards {
		t.shards[i].each(visit)
	}
}

func (sh *shard) each(visit func(*session)) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	for _, s := range sh.users {
		for ; s != nil; s = s.next {
			visit(s)
		}
	}
}

func (t *table) all() (sessions []*session) {
	t.each(func(s *session) { sessions = append(sessions, s) })
	return sessions
}
