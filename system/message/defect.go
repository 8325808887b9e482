package message

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// withDefect wraps a write path in a known mistake, so that mutation tests can prove that the lab's properties see it.
func withDefect(name string, w writer) writer {
	switch name {
	case "lost_write", "late_write", "refuse_some":
		return &defect{writer: w, name: name}
	}
	return w
}

type defect struct {
	writer
	name string
	n    atomic.Int64
}

func (d *defect) write(ctx context.Context, m chat.Message, members []chat.ID) error {
	n := d.n.Add(1)
	switch {
	case d.name == "lost_write" && n%10 == 0: // acknowledged, never written
		return nil
	case d.name == "late_write" && n%3 == 0: // acknowledged before it is written: a later send overtakes it
		go func() {
			<-time.After(1500 * time.Millisecond)
			_ = d.writer.write(context.WithoutCancel(ctx), m, members)
		}()
		return nil
	case d.name == "refuse_some" && n%10 == 0:
		return chat.Errorf(chat.CodeUnavailable, "defect: refused").After(time.Minute)
	}
	return d.writer.write(ctx, m, members)
}
