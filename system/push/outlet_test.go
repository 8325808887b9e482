package push

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	sim "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// bench is the two outlets before a stand-in of the providers.
type bench struct {
	*testing.T
	server  *sim.Server
	outlets map[string]*outlet
	ahead   time.Duration // of the pod's clock
}

func newBench(t *testing.T, change func(*Providers)) *bench {
	b := &bench{T: t, outlets: map[string]*outlet{}}
	var err error
	b.server, err = sim.Start(sim.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.server.Close()) })
	p := b.providers()
	if change != nil {
		change(&p)
	}
	list, err := p.open(transport.Network{}, func() time.Time { return time.Now().Add(b.ahead) })
	require.NoError(t, err)
	m := newMetrics(prometheus.NewRegistry())
	for _, p := range list {
		b.outlets[p.name()] = newOutlet(p, m)
		t.Cleanup(p.close)
	}
	return b
}

func (b *bench) providers() Providers {
	credentials, err := b.server.FCMCredentials()
	require.NoError(b, err)
	key, err := b.server.APNsKey()
	require.NoError(b, err)
	return Providers{
		FCMCredentials: credentials, FCMURL: b.server.URL(), APNsKey: key, APNsKeyID: sim.KeyID, APNsTeam: sim.Team, APNsTopic: sim.Topic,
		APNsURL: b.server.URL(), CA: b.server.Authority(),
	}
}

const deviceToken = "00ff00ff"

func example() Notification {
	return Notification{User: chat.NewID(), Conversation: uuid.MustParse("0198a000-0000-7000-8000-000000000001"), Sender: chat.NewID(), Unread: 3}
}

func (b *bench) send(provider string, n Notification) answer {
	return b.outlets[provider].send(b.Context(), chat.PushDevice{User: n.User, Device: "phone", Provider: provider, Token: deviceToken}, n, false)
}

func TestBothProvidersTakeANotification(t *testing.T) {
	b := newBench(t, nil)
	for _, provider := range []string{chat.ProviderFCM, chat.ProviderAPNs} {
		n := example()
		require.Equal(t, answer{outcome: sent}, b.send(provider, n))
		n.Unread = 4
		require.Equal(t, answer{outcome: sent}, b.send(provider, n))
		require.Len(t, b.server.Notifications(), 2)
		shown := b.server.Shown(deviceToken)
		require.Len(t, shown, 1, "the second has replaced the first")
		require.Equal(t, []any{provider, n.Conversation.String(), n.Conversation.String(), n.Sender.String(), 4},
			[]any{shown[0].Provider, shown[0].CollapseKey, shown[0].Conversation, shown[0].Sender, shown[0].Unread})
		require.WithinDuration(t, time.Now().Add(keepFor), shown[0].Expires, time.Minute)
		b = newBench(t, nil)
	}
}

// What each of the providers' refusals means to us, and when they say to come back.
func TestRefusals(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct {
		reply sim.Reply
		want  outcome
		after time.Duration
	}{
		{sim.Unregistered, dead, 0},
		{sim.InvalidToken, dead, 0},
		{sim.InvalidArgument, refused, 0},
		{sim.SenderMismatch, refused, 0},
		{sim.QuotaExceeded, throttled, time.Minute},
		{sim.QuotaExceeded.After(0), throttled, fcmQuotaWait},
		{sim.QuotaExceeded.After(7 * time.Second), throttled, 7 * time.Second},
		{sim.QuotaExceeded.After(24 * time.Hour), throttled, maxRetryAfter},
		{sim.Unavailable, unavailable, 0},
		{sim.Unavailable.After(30 * time.Second), unavailable, 30 * time.Second},
		{sim.Internal, unavailable, 0},
		{sim.APNsUnregistered, dead, 0},
		{sim.BadDeviceToken, dead, 0},
		{sim.DeviceTokenNotForApp, refused, 0},
		{sim.BadTopic, refused, 0},
		{sim.PayloadTooLarge, refused, 0},
		{sim.InvalidProviderToken, unauthorized, 0},
		{sim.TooManyRequests, throttled, 0},
		{sim.TooManyRequests.After(2 * time.Second), throttled, 2 * time.Second},
		{sim.APNsInternal, unavailable, 0},
		{sim.APNsUnavailable, unavailable, 0},
		{sim.APNsUnavailable.After(9 * time.Second), unavailable, 9 * time.Second},
	} {
		b.server.Script(deviceToken, c.reply)
		n := example()
		a := b.send(c.reply.Provider, n)
		require.Equal(t, c.want, a.outcome, "%+v", c.reply)
		require.Equal(t, c.after, a.after, "%+v", c.reply)
		require.NotEmpty(t, a.reason)
		require.Equal(t, sent, b.send(c.reply.Provider, n).outcome, "the next one passes, and closes the count of failures")
	}
}

func TestJudgeWithoutABody(t *testing.T) {
	for _, p := range []provider{&fcm{}, &apns{}} {
		for status, want := range map[int]outcome{200: sent, 302: refused, 400: refused, 413: refused, 429: throttled, 500: unavailable, 502: unavailable, 503: unavailable} {
			for _, body := range []string{"", "<html>", "null", "[]"} {
				require.Equal(t, want, p.judge(status, http.Header{}, []byte(body)).outcome, "%s %d %q", p.name(), status, body)
			}
		}
		require.Zero(t, p.judge(503, http.Header{"Retry-After": {"Wed, 21 Oct 2026 07:28:00 GMT"}}, nil).after)
		require.Zero(t, p.judge(503, http.Header{"Retry-After": {"-5"}}, nil).after)
	}
}

// A credential of ours that is refused as too old is made anew once.
func TestExpiredCredentials(t *testing.T) {
	t.Run("fcm", func(t *testing.T) {
		b := newBench(t, nil)
		require.Equal(t, sent, b.send("fcm", example()).outcome)
		require.Equal(t, sent, b.send("fcm", example()).outcome)
		require.Equal(t, 1, b.server.AccessTokens())
		b.server.ExpireAccessTokens()
		require.Equal(t, sent, b.send("fcm", example()).outcome)
		require.Equal(t, 2, b.server.AccessTokens())
		require.Equal(t, 1, b.server.Requests("fcm", "UNAUTHENTICATED"))
		b.server.Script(deviceToken, sim.Unauthenticated, sim.Unauthenticated)
		require.Equal(t, expired, b.send("fcm", example()).outcome, "a second refusal is not about age")
		require.Equal(t, 3, b.server.AccessTokens(), "and costs one more token")
	})
	t.Run("apns", func(t *testing.T) {
		b := newBench(t, nil)
		b.ahead = -61 * time.Minute // the first token was made long ago
		require.Equal(t, expired, b.send("apns", example()).outcome)
		require.Equal(t, 2, b.server.Requests("apns", "ExpiredProviderToken"))
		b.ahead = 0
		require.Equal(t, sent, b.send("apns", example()).outcome)
		require.Equal(t, sent, b.send("apns", example()).outcome)
		require.Equal(t, 2, b.server.Requests("apns", "ExpiredProviderToken"))
	})
}

func TestAnAPNsTokenIsUsedForItsLife(t *testing.T) {
	b := newBench(t, nil)
	a := b.outlets["apns"].provider.(*apns)
	first, err := a.providerToken()
	require.NoError(t, err)
	b.ahead = apnsTokenLife - time.Second
	again, err := a.providerToken()
	require.NoError(t, err)
	require.Equal(t, first, again)
	b.ahead = apnsTokenLife
	next, err := a.providerToken()
	require.NoError(t, err)
	require.NotEqual(t, first, next)
	a.renew(first)
	same, err := a.providerToken()
	require.NoError(t, err)
	require.Equal(t, next, same, "a late refusal of the old one changes nothing")
}

// The stand-in verifies what we sign: another's key, key id, team or project gets nowhere.
func TestForeignCredentialsAreRefused(t *testing.T) {
	other := newBench(t, nil).providers()
	for name, c := range map[string]struct {
		change   func(*Providers)
		provider string
		want     outcome
	}{
		"another account's key": {func(p *Providers) {
			p.FCMCredentials = []byte(strings.Replace(string(other.FCMCredentials), hostOf(other.FCMURL), hostOf(p.FCMURL), 1))
		}, "fcm", unauthorized},
		"another account": {func(p *Providers) {
			p.FCMCredentials = []byte(strings.Replace(string(p.FCMCredentials), "push@", "mallory@", 1))
		}, "fcm", unauthorized},
		"another project": {func(p *Providers) {
			p.FCMCredentials = []byte(strings.Replace(string(p.FCMCredentials), `"project_id":"chatlab-demo"`, `"project_id":"theirs"`, 1))
		}, "fcm", unauthorized},
		"another team's key": {func(p *Providers) { p.APNsKey = other.APNsKey }, "apns", unauthorized},
		"another key id":     {func(p *Providers) { p.APNsKeyID = "0000000000" }, "apns", unauthorized},
		"another team":       {func(p *Providers) { p.APNsTeam = "0000000000" }, "apns", unauthorized},
		"another app":        {func(p *Providers) { p.APNsTopic = "org.example.other" }, "apns", refused},
		"unknown authority":  {func(p *Providers) { p.CA = other.CA }, "apns", unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.change)
			a := b.send(c.provider, example())
			require.Equal(t, c.want, a.outcome, "%+v", a)
			require.Empty(t, b.server.Notifications())
		})
	}
}

func hostOf(url string) string { return strings.TrimPrefix(url, "https://") }

func TestBadCredentialsAreSaidAtStart(t *testing.T) {
	good := newBench(t, nil).providers()
	for name, change := range map[string]func(*Providers){
		"no JSON":        func(p *Providers) { p.FCMCredentials = []byte("x") },
		"no account":     func(p *Providers) { p.FCMCredentials = []byte("{}") },
		"no key":         func(p *Providers) { p.APNsKey = []byte("x") },
		"no key id":      func(p *Providers) { p.APNsKeyID = "" },
		"no team":        func(p *Providers) { p.APNsTeam = "" },
		"no topic":       func(p *Providers) { p.APNsTopic = "" },
		"plain http":     func(p *Providers) { p.APNsURL = "http://127.0.0.1" },
		"plain fcm":      func(p *Providers) { p.FCMURL = "http://127.0.0.1" },
		"no certificate": func(p *Providers) { p.CA = []byte("x") },
	} {
		p := good
		change(&p)
		_, err := p.open(transport.Network{}, time.Now)
		require.Error(t, err, name)
	}
	none, err := Providers{}.open(transport.Network{}, time.Now)
	require.NoError(t, err)
	require.Empty(t, none)
}

// A provider that is unwell is left alone; one that refuses devices is well.
func TestBreaker(t *testing.T) {
	b := newBench(t, nil)
	b.server.Every(1, sim.Unregistered)
	b.server.Every(1, sim.APNsUnavailable)
	for range 2 * resilience.Provider.Policy().Breaker.Failures {
		require.Equal(t, dead, b.send("fcm", example()).outcome)
	}
	for range resilience.Provider.Policy().Breaker.Failures {
		require.Equal(t, unavailable, b.send("apns", example()).outcome)
	}
	require.Equal(t, answer{outcome: broken, after: resilience.Provider.Policy().Breaker.Open / 2}, b.send("apns", example()))
	require.EqualValues(t, resilience.Provider.Policy().Breaker.Failures, b.server.Requests("apns", "ServiceUnavailable"), "nobody asked again")
	require.EqualValues(t, 2, testutil.ToFloat64(b.outlets["apns"].metrics.calls.Breakers.WithLabelValues(resilience.Provider.Policy().Name, "apns")))
	require.EqualValues(t, 0, testutil.ToFloat64(b.outlets["apns"].metrics.calls.Breakers.WithLabelValues(resilience.Provider.Policy().Name, "fcm")))
}

// What we give up ourselves says nothing about the provider.
func TestBreakerIgnoresOurOwnEnd(t *testing.T) {
	b := newBench(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 * resilience.Provider.Policy().Breaker.Failures {
		b.outlets["apns"].send(ctx, chat.PushDevice{Provider: "apns", Token: deviceToken}, example(), false)
	}
	require.Equal(t, sent, b.send("apns", example()).outcome)
}

func TestBulkheadAndBudget(t *testing.T) {
	b := newBench(t, nil)
	o := b.outlets["fcm"]
	for range resilience.Provider.Policy().InFlight {
		o.slots <- struct{}{}
	}
	require.Equal(t, answer{outcome: busy, after: busyWait}, b.send("fcm", example()))
	require.Equal(t, sent, b.send("apns", example()).outcome, "the other provider is not concerned")
	for range resilience.Provider.Policy().InFlight {
		<-o.slots
	}
	row := resilience.Provider.Policy()
	d, n, spared := chat.PushDevice{Provider: "fcm", Token: deviceToken}, example(), 0
	for range 2 * row.Rate.Burst {
		if a := o.send(t.Context(), d, n, true); a.outcome == busy {
			require.Equal(t, budgetWait, a.after)
			spared++
		}
	}
	require.Greater(t, spared, row.Rate.Burst/4, "retries are bounded")
	require.EqualValues(t, spared, testutil.ToFloat64(o.metrics.calls.Withheld.WithLabelValues(row.Name, "fcm")))
	require.EqualValues(t, 2*row.Rate.Burst-spared, testutil.ToFloat64(o.metrics.calls.Retries.WithLabelValues(row.Name, "fcm")))
	require.Equal(t, sent, b.send("fcm", example()).outcome, "first attempts are not")
}
