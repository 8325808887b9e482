package scenarios

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// phone is what a device does over its connection: a client in this process, or one in a load process.
type phone interface {
	Run(context.Context) error
	Send(ctx context.Context, conversation chat.ID, content string) (client.Ack, error)
	Read(ctx context.Context, conversation chat.ID, at chat.Position) error
	Positions() []chat.Position
}

// device is one user's phone, whose every event goes into the history.
type device struct {
	fleet   *fleet
	name    string
	id      history.ID
	user    history.ID
	userID  chat.ID
	client  *client.Client // asks by REST; it is the phone, too, unless a load process holds that
	phone   phone
	watches []chat.ID
	resumed chan struct{} // closed at the first resume
	once    sync.Once
	trouble atomic.Pointer[string]
	up      atomic.Bool
	readTo  map[chat.ID]chat.Position // touched before the workload, and then by readAlong alone
	absence
}

func newDevice(f *fleet, number int, user chat.ID, rng *rand.Rand) (*device, error) {
	rec := f.run.rec
	name := fmt.Sprintf("u%d", number)
	d := &device{fleet: f, name: name + "/phone", userID: user, resumed: make(chan struct{}), readTo: map[chat.ID]chat.Position{}}
	d.user, d.id = rec.Alias(user, name), rec.Text(d.name)
	rec.Record(history.Event{Kind: history.DeviceKnown, Device: d.id, User: d.user})
	sw := f.run.variant.Switches
	defects, err := defectsOf(f.run.variant.Defect)
	if err != nil {
		return nil, err
	}
	shared := f.http
	if comesBack(f.run.play.Plan, number) {
		d.counted = true
		shared = client.NewHTTP(d.bytes.over(f.run.sys.Network()), nil)
		f.own = append(f.own, shared)
	}
	c, err := client.New(client.Config{
		EdgeURL: f.run.sys.EdgeURL(), UserID: user, Device: "phone", Network: f.run.sys.Network(), HTTP: shared, Sync: sw.Sync,
		Token:     func(context.Context) (string, error) { return f.run.sys.Token(user) },
		Reconnect: sw.Reconnect, HeartbeatBy: sw.HeartbeatBy, NoReceipts: !sw.Receipts,
		RetryRefusal: retryRefusal, Observe: d.observe, Rand: rng, Log: f.run.opt.Log, Defects: defects,
	})
	if err != nil {
		return nil, fmt.Errorf("make device %s: %w", d.name, err)
	}
	d.client, d.phone = c, c
	return d, nil
}

// defectsOf reads a variant's defect of the clients.
func defectsOf(name string) (d client.Defects, err error) {
	switch name {
	case "":
	case "client_no_dedupe":
		d.NoDedupe = true
	case "client_no_gap_fill":
		d.NoGapFill = true
	case "client_no_order":
		d.NoOrder = true
	default:
		err = fmt.Errorf("defect %q of clients is unknown", name)
	}
	return d, err
}

// retryRefusal lets a refusal by a limit be the send's outcome: who is told, and how, is what a run judges.
func retryRefusal(code chat.Code) bool {
	return client.Retryable(code) && code != chat.CodeGroupLimit && code != chat.CodeUserLimit
}

func (d *device) live(ctx context.Context) {
	if err := d.phone.Run(ctx); err != nil && ctx.Err() == nil {
		text := err.Error()
		d.trouble.Store(&text)
		d.fleet.run.opt.Log.Warn("device ended", "device", d.name, "error", err)
	}
}

func (d *device) lastTrouble() string {
	if t := d.trouble.Load(); t != nil {
		return *t
	}
	return "no answer"
}

// send invokes one send and notes its intended time with its first attempt. The content begins with the operation's
// number, by which the first attempt is told from those of other sends.
func (d *device) send(ctx context.Context, number int, op intended, conv chat.ID, bytes int) (acked bool) {
	d.fleet.run.ops.put(number, op)
	_, err := d.phone.Send(ctx, conv, content(number, bytes)) // the outcome is in the events, but for the one below
	var failed *client.SendError
	if errors.As(err, &failed) && failed.Outcome == client.Unsent {
		d.recordUnsent(number, op, conv, failed)
	}
	return err == nil
}

// recordUnsent notes a send of which no frame ever went out: it has no client_msg_id, so it gets a name of its own.
func (d *device) recordUnsent(number int, op intended, conv chat.ID, failed *client.SendError) {
	r := d.fleet.run
	id := r.rec.Text(fmt.Sprintf("unsent-%d", number))
	r.rec.Record(history.Event{
		Kind: history.Send, Device: d.id, Sender: d.user, Conversation: r.rec.UUID(conv), ClientMsg: id, Intended: r.rec.At(op.at),
	})
	r.rec.Record(history.Event{Kind: history.Unsent, Device: d.id, ClientMsg: id, Text: r.rec.Text(failed.Error())})
}

func content(number, bytes int) string {
	head := strconv.Itoa(number) + ":"
	return head + strings.Repeat("x", max(0, bytes-len(head)))
}

// observe turns an event of the client into one of the history.
func (d *device) observe(e client.Event) {
	r := d.fleet.run
	rec := r.rec
	h := history.Event{
		At: rec.At(e.At), Kind: kindOf(e.Kind), Device: d.id, Seq: e.Seq, Attempt: int32(e.Attempt), CloseCode: int32(e.Close),
		RetryAfter: e.RetryAfter, Conversation: rec.UUID(e.Conversation), ClientMsg: rec.UUID(e.ClientMsgID), Message: rec.UUID(e.MessageID),
		Sender: rec.UUID(e.Sender), Code: rec.Text(string(e.Code)),
	}
	switch e.Kind {
	case client.Unsent:
		return // send records it
	case client.Attempt:
		if e.Attempt == 1 {
			r.recordSend(d, e, h)
		}
	case client.Raw, client.Shown:
		if e.MessageType != chat.TypeText {
			h.Text = rec.Text(e.MessageType)
			r.noticed(e.Conversation, e.MessageType, e.Seq, e.Text)
		}
		r.count(e.Kind)
	case client.Receipt:
		r.recordReceipts(e, h)
		return
	case client.PresenceChanged:
		d.recordPresence(e, h)
		return
	case client.Connected:
		h.Text = rec.Text(e.Text)
		d.up.Store(true)
		d.once.Do(func() { close(d.resumed) })
	case client.Disconnected:
		h.Text = rec.Text(e.Text)
		d.up.Store(false)
		d.ended.Store(h.CloseCode)
		d.trouble.Store(&e.Text)
	case client.FirstScreen:
		d.recordScreen(e, h)
	case client.Gap, client.Skipped:
		h.Until = lastOf(e.Text)
	case client.Refused, client.Unknown, client.ErrorFrame:
		h.Text = rec.Text(e.Text)
	}
	if h.Kind != 0 {
		rec.Record(h)
	}
	if h.Kind.Outcome() {
		r.count(e.Kind)
	}
	if e.Kind == client.Connected {
		rec.Record(history.Event{Kind: history.Resumed, Device: d.id})
	}
}

// lastOf reads the end of a range "from..to".
func lastOf(text string) int64 {
	_, to, _ := strings.Cut(text, "..")
	n, _ := strconv.ParseInt(to, 10, 64) // 0, which is none, for an open range
	return n
}

// recordSend notes that a send was invoked, with the time at which the plan wanted it.
func (r *run) recordSend(d *device, e client.Event, h history.Event) {
	op, ok := r.ops.take(e.Text)
	if !ok {
		return
	}
	h.Kind, h.Sender, h.Intended, h.Attempt = history.Send, d.user, r.rec.At(op.at), 0
	r.rec.Record(h)
	r.count(client.Attempt)
}

func kindOf(k client.Kind) history.Kind {
	switch k {
	case client.Connecting:
		return history.Connecting
	case client.Connected:
		return history.Connected
	case client.Disconnected:
		return history.Disconnected
	case client.Attempt:
		return history.Attempt
	case client.Acked:
		return history.Acked
	case client.Refused:
		return history.Refused
	case client.Unknown:
		return history.Unknown
	case client.Unsent:
		return history.Unsent
	case client.Raw:
		return history.Raw
	case client.Shown:
		return history.Shown
	case client.Gap:
		return history.Gap
	case client.GapFilled:
		return history.GapFilled
	case client.Skipped:
		return history.Skipped
	case client.Resync:
		return history.Resync
	case client.Throttled:
		return history.Throttled
	case client.Draining:
		return history.Draining
	case client.ErrorFrame:
		return history.ErrorFrame
	}
	return 0
}

// intended is when the plan wanted a send.
type intended struct{ at time.Time }

// intentions remembers the plan's times until a send's first attempt.
type intentions struct {
	mu sync.Mutex
	by map[string]intended
}

func (i *intentions) put(number int, op intended) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.by == nil {
		i.by = map[string]intended{}
	}
	i.by[strconv.Itoa(number)] = op
}

func (i *intentions) take(content string) (intended, bool) {
	number, _, _ := strings.Cut(content, ":")
	i.mu.Lock()
	defer i.mu.Unlock()
	op, ok := i.by[number]
	delete(i.by, number)
	return op, ok
}
