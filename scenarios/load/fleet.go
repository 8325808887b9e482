package load

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/transport"
)

// fleet is the devices of one load process.
type fleet struct {
	setup   Setup
	network transport.Network
	http    *http.Client
	slots   chan struct{} // of devices that connect for the first time
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	made    int

	connected, lost, back, failed, collected atomic.Int64

	mu      sync.Mutex
	waits   []int64
	trouble Reasons
}

func newFleet(s Setup) *fleet {
	f := &fleet{trouble: Reasons{}, setup: s, network: transport.Network{Names: s.Names}, slots: make(chan struct{}, max(1, s.AtOnce))}
	f.http = client.NewHTTP(f.network, nil)
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

// connect starts devices, a few at a time, and returns when each has begun.
func (f *fleet) connect(logins []Login) error {
	for _, l := range logins {
		d, err := f.device(l)
		if err != nil {
			return err
		}
		select {
		case f.slots <- struct{}{}:
		case <-f.ctx.Done():
			return nil
		}
		f.running.Go(func() {
			if err := d.client.Run(f.ctx); err != nil && f.ctx.Err() == nil {
				f.fail("device ended: " + err.Error())
			}
			d.release()
		})
	}
	return nil
}

// device is one device, and what is kept of it: as little as possible, for there are thousands.
type device struct {
	fleet  *fleet
	client *client.Client
	up     bool      // touched by observe alone, which is called once at a time
	lostAt time.Time // zero: it lost nothing
	first  sync.Once
}

func (f *fleet) device(l Login) (*device, error) {
	f.made++
	d := &device{fleet: f}
	c, err := client.New(client.Config{
		EdgeURL: f.setup.EdgeURL, UserID: l.User, Device: "phone", Network: f.network, HTTP: f.http,
		Token:     func(context.Context) (string, error) { return l.Token, nil },
		Reconnect: f.setup.Reconnect, HeartbeatBy: f.setup.HeartbeatBy, Observe: d.observe,
		Rand: rand.New(rand.NewPCG(f.setup.Seed, uint64(f.made))),
	})
	if err != nil {
		return nil, fmt.Errorf("make device: %w", err)
	}
	d.client = c
	return d, nil
}

// release lets the next device connect.
func (d *device) release() { d.first.Do(func() { <-d.fleet.slots }) }

func (d *device) observe(e client.Event) {
	switch e.Kind {
	case client.Connected:
		d.up = true
		d.fleet.connected.Add(1)
		if !d.lostAt.IsZero() {
			d.fleet.returned(e.At.Sub(d.lostAt))
			d.lostAt = time.Time{}
		}
		d.release()
	case client.Disconnected:
		switch {
		case d.up:
			d.up, d.lostAt = false, e.At
			d.fleet.connected.Add(-1)
			d.fleet.lost.Add(1)
		case d.fleet.ctx.Err() == nil:
			d.fleet.fail(e.Text)
		}
	}
}

func (f *fleet) returned(wait time.Duration) {
	f.back.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = append(f.waits, wait.Milliseconds())
}

func (f *fleet) fail(why string) {
	f.failed.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble.Add(numbers.ReplaceAllString(why, "N"), 1)
}

// numbers are ports, ids and times, which differ from device to device.
var numbers = regexp.MustCompile(`[0-9a-f]*[0-9][0-9a-f.]*`)

// collect frees what is no longer used, so that the next report tells what devices really hold.
func (f *fleet) collect() {
	runtime.GC()
	f.collected.Add(1)
}

func (f *fleet) report() Report {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	r := Report{
		At: time.Now().UnixMilli(), Connected: int(f.connected.Load()), Lost: int(f.lost.Load()), Back: int(f.back.Load()), Failed: int(f.failed.Load()),
		HeapBytes: samples[0].Value.Uint64(), Stacks: samples[1].Value.Uint64(), Goroutines: runtime.NumGoroutine(), Collected: int(f.collected.Load()),
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Waits, r.Trouble = f.waits, maps.Clone(f.trouble)
	f.waits = nil
	return r
}

func (f *fleet) close() {
	f.stop()
	f.running.Wait()
	f.http.CloseIdleConnections()
}
