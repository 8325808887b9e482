package kafka

import (
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topics are the names of all topics: those made at the start and those that clients make.
type topics struct {
	mu    sync.Mutex
	names map[string]origin
}

type origin int

const (
	madeByClient origin = iota + 1
	madeAtStart
)

func (t *topics) add(name string, from origin) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names[name] = max(from, t.names[name])
}

func (t *topics) origin(name string) origin {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[name]
}

func (t *topics) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.names))
}

// watchTopics learns the names of topics that clients make. Requests for topics made at the start are answered here, because the
// fake's controller is its last broker for ever: once that was removed it makes no topic, and would not even say that one exists.
func (c *Cluster) watchTopics() {
	c.fake.ControlKey(int16(kmsg.CreateTopics), func(request kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // the fake's signature
		c.fake.KeepControl()
		create := request.(*kmsg.CreateTopicsRequest)
		response := create.ResponseKind().(*kmsg.CreateTopicsResponse)
		known := true
		for _, topic := range create.Topics {
			known = known && c.topics.origin(topic.Topic) == madeAtStart
			c.topics.add(topic.Topic, madeByClient)
			exists := kmsg.NewCreateTopicsResponseTopic()
			exists.Topic, exists.ErrorCode = topic.Topic, kerr.TopicAlreadyExists.Code
			response.Topics = append(response.Topics, exists)
		}
		return response, nil, known
	})
}
