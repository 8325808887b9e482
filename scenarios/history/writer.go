package history

import (
	"encoding/binary"
	"fmt"
	"io"
)

// handOver gives the chunk to the writer; the lock is held.
func (r *Recorder) handOver() {
	n := int64(len(r.chunk))
	r.pending = append(r.pending, r.chunk)
	r.stats.Bytes += n
	r.stats.Pending += n
	r.stats.Peak = max(r.stats.Peak, r.stats.Pending)
	r.chunk = nil
	if last := len(r.spare) - 1; last >= 0 {
		r.chunk, r.spare = r.spare[last][:0], r.spare[:last]
	} else if !r.closed {
		r.chunk = make([]byte, 0, chunkBytes)
	}
	select {
	case r.wake <- struct{}{}:
	default: // the writer is already told
	}
}

// write moves chunks to the file until the recorder is closed.
func (r *Recorder) write(w io.Writer) {
	defer close(r.done)
	alarm := int64(pendingAlarm)
	for range r.wake {
		r.drain(w)
		if s := r.Stats(); s.Peak >= alarm {
			r.log.Warn("the history's file is slower than the run: events waited in memory", "peak_bytes", s.Peak)
			alarm = 2 * s.Peak
		}
	}
	r.drain(w)
}

// drain writes what is pending. After an error nothing more is written, but chunks are still taken out of memory.
func (r *Recorder) drain(w io.Writer) {
	for {
		r.mu.Lock()
		batch := r.pending
		r.pending = nil
		r.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, chunk := range batch {
			if r.err == nil {
				if _, err := w.Write(chunk); err != nil {
					r.err = fmt.Errorf("write history: %w", err)
					r.log.Error("the history is lost from here on", "error", r.err)
				}
			}
			r.release(chunk)
		}
	}
}

func (r *Recorder) release(chunk []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Pending -= int64(len(chunk))
	if len(r.spare) < spareChunks {
		r.spare = append(r.spare, chunk)
	}
}

// defineText writes a text that has no ID yet; the lock is held. After Close there is no ID any more.
func (r *Recorder) defineText(s string) ID {
	if r.closed {
		return 0
	}
	s = s[:min(len(s), maxText)]
	r.ids++
	r.chunk = append(binary.AppendUvarint(append(r.chunk, tagText), uint64(len(s))), s...)
	return r.ids
}

func appendEnd(b []byte, events int64) []byte {
	return binary.AppendUvarint(append(b, tagEnd), uint64(events))
}
