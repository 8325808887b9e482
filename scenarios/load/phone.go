package load

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// errEnded is what becomes of the calls to a process that is no more.
var errEnded = errors.New("its load process has ended")

// Phone is a device in a load process, as far as its parent needs it: its methods are those of a client.
type Phone struct {
	process *Process
	number  int
	observe func(client.Event)

	mu    sync.Mutex
	shown map[chat.ID]chat.Position // the newest place of each conversation
}

// Phone makes a device in the process. Its events come one at a time, in the order in which they happened, which is also
// the order between phones of one process.
func (p *Process) Phone(l Login, observe func(client.Event)) (*Phone, error) {
	p.mu.Lock()
	d := &Phone{process: p, number: len(p.phones), observe: observe, shown: map[chat.ID]chat.Position{}}
	p.phones = append(p.phones, d)
	p.mu.Unlock()
	return d, p.order(order{Call: &call{Phone: d.number, Make: &l}})
}

// Run keeps the device connected until ctx ends.
func (d *Phone) Run(ctx context.Context) error {
	return d.ask(ctx, call{Run: true})
}

// Send sends a message and waits for its outcome.
func (d *Phone) Send(ctx context.Context, conversation chat.ID, content string) (client.Ack, error) {
	return client.Ack{}, d.ask(ctx, call{Send: &sending{conversation, content}})
}

// Read says that the user has read a conversation up to a place.
func (d *Phone) Read(ctx context.Context, conversation chat.ID, at chat.Position) error {
	at.ConversationID = conversation
	return d.ask(ctx, call{Read: &at})
}

// Positions are the newest places that the device has shown, one per conversation.
func (d *Phone) Positions() []chat.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	ps := make([]chat.Position, 0, len(d.shown))
	for _, at := range d.shown {
		ps = append(ps, at)
	}
	return ps
}

// ask has the process do something and waits until it is done; what ctx no longer wants is cancelled there.
func (d *Phone) ask(ctx context.Context, c call) error {
	p := d.process
	answered := make(chan answer, 1)
	c.Phone, c.Number = d.number, p.expect(answered)
	if err := p.order(order{Call: &c}); err != nil {
		return err
	}
	done := ctx.Done()
	for {
		select {
		case a := <-answered:
			return a.err()
		case <-p.exited:
			return fmt.Errorf("phone %d: %w", d.number, errEnded)
		case <-done:
			done = nil
			if err := p.order(order{Call: &call{Phone: d.number, Cancel: c.Number}}); err != nil {
				return err
			}
		}
	}
}

func (a answer) err() error {
	switch {
	case !a.Failed:
		return nil
	case a.Outcome != 0:
		return &client.SendError{Outcome: a.Outcome, Attempts: a.Attempts, Err: errors.New(a.Error)}
	}
	return errors.New(a.Error)
}

// expect gives a call its number.
func (p *Process) expect(answered chan<- answer) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	p.waiting[p.calls] = answered
	return p.calls
}

// hear passes a word on to whom it concerns.
func (p *Process) hear(w word) {
	p.mu.Lock()
	d := p.phones[w.Phone]
	var answered chan<- answer
	if w.Answer != nil {
		answered = p.waiting[w.Answer.Number]
		delete(p.waiting, w.Answer.Number)
	}
	p.mu.Unlock()
	if answered != nil {
		answered <- *w.Answer
	}
	if w.Event != nil {
		d.tell(*w.Event)
	}
}

func (d *Phone) tell(e client.Event) {
	if e.Kind == client.Shown {
		d.mu.Lock()
		if e.Seq >= d.shown[e.Conversation].Seq {
			d.shown[e.Conversation] = chat.Position{ConversationID: e.Conversation, Seq: e.Seq, Timestamp: e.Timestamp}
		}
		d.mu.Unlock()
	}
	d.observe(e)
}
