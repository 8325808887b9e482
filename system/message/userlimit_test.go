package message

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/limit"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
)

// limitPod is what of a message pod limits users, and where it shows its calls.
type limitPod struct {
	*userLimit
	calls *resilience.Meter
}

// limitPods are message pods that share one Redis, or what they do of a send's way.
func limitPods(t *testing.T, n int, breaker bool) (pods []limitPod, server *simredis.Server) {
	server, err := simredis.New(simredis.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	for range n {
		client := redis.NewClient(redis.Config{Address: server.Addr()})
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		require.NoError(t, client.Ping(t.Context()))
		registry := prometheus.NewRegistry()
		pods = append(pods, limitPod{newUserLimit(Config{
			Limits: redis.NewLimits(client, limit.SendsPerMinute/60.0, limit.SendsBurst), Now: time.Now,
			Metrics: registry, Switches: chat.Switches{Breaker: breaker},
		}), resilience.NewMeter(registry)})
	}
	return pods, server
}

func (l *userLimit) fellBack(t *testing.T) float64 {
	var m dto.Metric
	require.NoError(t, l.fallbacks.Write(&m))
	return m.Counter.GetValue()
}

// flood sends as one user over all pods in turn and counts what they admit.
func flood(t *testing.T, pods []limitPod, sends int) (admitted int) {
	user := chat.NewID()
	for i := range sends {
		err := pods[i%len(pods)].admit(t.Context(), chat.Message{SenderID: user, ClientMsgID: chat.NewID()})
		if err == nil {
			admitted++
			continue
		}
		require.Equal(t, chat.CodeUserLimit, chat.AsError(err).Code)
		require.Positive(t, chat.AsError(err).RetryAfter)
	}
	return admitted
}

func TestALimitForAllPodsTogether(t *testing.T) {
	pods, _ := limitPods(t, 3, true)
	start := time.Now()
	admitted := flood(t, pods, 200)
	require.GreaterOrEqual(t, admitted, limit.SendsBurst)
	require.LessOrEqual(t, admitted, limit.SendsBurst+1+int(time.Since(start).Seconds()))
}

// Without Redis each pod limits by itself, and a send loses next to no time.
func TestWithoutRedisEachPodHasALimit(t *testing.T) {
	t.Parallel()
	for name, breaker := range map[string]bool{"breaker": true, "no breaker": false} {
		t.Run(name, func(t *testing.T) {
			pods, server := limitPods(t, 2, breaker)
			require.NoError(t, server.Kill(true))
			start := time.Now()
			admitted := flood(t, pods, 200)
			took := time.Since(start)
			require.GreaterOrEqual(t, admitted, 2*limit.SendsBurst)
			require.LessOrEqual(t, admitted, 2*(limit.SendsBurst+1+int(took.Seconds())))
			require.EqualValues(t, 100, pods[0].fellBack(t))
			require.Less(t, took, 200*2*resilience.UserLimit.Timeout())
			if breaker {
				require.Less(t, took, time.Second)
				state := pods[0].calls.Breakers.WithLabelValues(resilience.UserLimit.Policy().Name, "redis")
				require.EqualValues(t, gobreaker.StateOpen, testutil.ToFloat64(state))
			}
			require.NoError(t, server.Restart())
			require.Eventually(t, func() bool {
				before := pods[0].fellBack(t)
				flood(t, pods[:1], 1)
				return pods[0].fellBack(t) == before
			}, 5*time.Second, 50*time.Millisecond, "Redis is asked again")
		})
	}
}

func TestARetryIsNotChargedAgain(t *testing.T) {
	pods, _ := limitPods(t, 2, true)
	user := chat.NewID()
	for range limit.SendsBurst {
		m := chat.Message{SenderID: user, ClientMsgID: chat.NewID()}
		for attempt := range 4 {
			require.NoError(t, pods[attempt%2].admit(t.Context(), m))
		}
	}
}

func TestNoLimitWithoutOne(t *testing.T) {
	require.NoError(t, newUserLimit(Config{Metrics: prometheus.NewRegistry(), Now: time.Now}).admit(t.Context(), chat.Message{}))
}
