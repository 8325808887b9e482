package deadletter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/wire"
)

// RefusedReplay says why a letter is not sent again unless it is forced.
type RefusedReplay struct{ Why string }

func (r *RefusedReplay) Error() string { return r.Why }

// Replayer sends letters where they came from once more.
type Replayer struct {
	log   *kafka.Client
	now   func() time.Time
	Force bool
}

// NewReplayer makes a Replayer.
func NewReplayer(log *kafka.Client, now func() time.Time) *Replayer {
	return &Replayer{log: log, now: now}
}

// Replay writes the letter's record to the end of its topic, under its own key, and then notes among the dead letters
// that it did. Without Force it refuses what was sent again before, and what workers could no longer tell from a
// repetition. Between the two writes a crash leaves a replay without its note.
func (r *Replayer) Replay(ctx context.Context, l Letter) error {
	if err := r.judge(l); err != nil && !r.Force {
		return err
	}
	if l.Origin.Topic == "" {
		return fmt.Errorf("replay %s: it does not say where it came from", l.Name())
	}
	if err := r.write(ctx, l.Origin.Topic, l, l.Headers...); err != nil {
		return fmt.Errorf("replay %s: %w", l.Name(), err)
	}
	l.Value = nil
	if err := r.write(ctx, wire.TopicDeadLetters, l, kafka.Header{Key: headerReplay, Value: []byte(l.Name())}); err != nil {
		return fmt.Errorf("note the replay of %s, which is done: %w", l.Name(), err)
	}
	return nil
}

func (r *Replayer) write(ctx context.Context, topic string, l Letter, headers ...kafka.Header) error {
	p := r.log.ProducerUpTo(topic, MaxBytes)
	defer func() { _ = p.Close() }()
	return p.Write(ctx, l.Key, l.Value, headers...)
}

// judge refuses a replay that could make a second message. A letter that cannot be read was never placed.
func (r *Replayer) judge(l Letter) error {
	if !l.Replayed.IsZero() {
		return &RefusedReplay{fmt.Sprintf("it was sent again at %s", l.Replayed.Format(time.RFC3339))}
	}
	if l.Origin.Topic != wire.TopicMessages {
		return nil
	}
	if l.Origin.Group == wire.GroupPush {
		return &RefusedReplay{"it is the push group's: if the fan-out could not process the record either, it has a letter of its own, " +
			"which brings the notifications too; if it could, the record would be a repetition, of which nobody is notified"}
	}
	rec, err := wire.DecodeRecord(l.Value)
	if err != nil {
		return nil
	}
	at, err := chat.ClientMsgTime(rec.ClientMsgID)
	if err != nil {
		return nil // made by the system itself: it has no window
	}
	if age := r.now().Sub(at); age > chat.DedupeWindow {
		return &RefusedReplay{fmt.Sprintf("its client_msg_id is %s old, and workers recognise a repetition for %s only: if the message "+
			"was stored after all, it would stand there twice; look into the conversation's history first", age.Round(time.Second), chat.DedupeWindow)}
	}
	return nil
}

// ParseName reads PARTITION/OFFSET.
func ParseName(name string) (partition int, offset int64, err error) {
	if n, scanErr := fmt.Sscanf(name, "%d/%d", &partition, &offset); scanErr != nil || n != 2 || name != (Letter{Partition: partition, Offset: offset}).Name() {
		return 0, 0, fmt.Errorf("%q is no letter: want PARTITION/OFFSET as the list names it, for example 0/17", strings.ToValidUTF8(name, "?"))
	}
	return partition, offset, nil
}
