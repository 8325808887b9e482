package load

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/chatlab/chatlab/scenarios/child"
)

// Process is one load process as its parent sees it.
type Process struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	observe func(Report) // nil: nobody reads them
	exited  chan struct{}
	err     error

	ordering sync.Mutex
	out      *gob.Encoder

	mu      sync.Mutex
	last    Report
	changed chan struct{} // closed at the next report
	phones  []*Phone      // by number
	calls   int64
	waiting map[int64]chan<- answer // by the number of the call
}

// Start begins a process. Each of its reports is also given to observe, if there is any, one at a time.
func Start(s Setup, observe func(Report)) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own binary: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.Stderr = os.Stderr
	child.DieWithParent(cmd)
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe of orders: %w", err)
	}
	reports, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe of reports: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start load process: %w", err)
	}
	p := &Process{
		cmd: cmd, orders: orders, observe: observe, exited: make(chan struct{}),
		out: gob.NewEncoder(orders), changed: make(chan struct{}), waiting: map[int64]chan<- answer{},
	}
	go p.listen(reports)
	if err := p.out.Encode(s); err != nil {
		return nil, errors.Join(fmt.Errorf("set up load process: %w", err), p.Close())
	}
	return p, nil
}

func (p *Process) listen(reports io.Reader) {
	in := gob.NewDecoder(bufio.NewReaderSize(reports, 1<<16))
	for {
		var t told
		if in.Decode(&t) != nil {
			break
		}
		for _, w := range t.Words {
			p.hear(w)
		}
		if t.Report != nil {
			p.note(*t.Report)
		}
	}
	_, _ = io.Copy(io.Discard, reports)
	p.err = p.cmd.Wait()
	close(p.exited)
}

func (p *Process) note(r Report) {
	if p.observe != nil {
		p.observe(r)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = r
	close(p.changed)
	p.changed = make(chan struct{})
}

// order hands an order over.
func (p *Process) order(o order) error {
	p.ordering.Lock()
	defer p.ordering.Unlock()
	if err := p.out.Encode(o); err != nil {
		return fmt.Errorf("order load process: %w", err)
	}
	return nil
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Usage is what the process has used so far; zeros when it is no more.
func (p *Process) Usage() (cpuSeconds float64, rssBytes uint64) {
	of, err := process.NewProcess(int32(p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	if t, err := of.Times(); err == nil {
		cpuSeconds = t.User + t.System
	}
	if m, err := of.MemoryInfo(); err == nil {
		rssBytes = m.RSS
	}
	return cpuSeconds, rssBytes
}

// Connect has the process connect devices.
func (p *Process) Connect(logins []Login) error {
	const some = 500 // in one order
	for len(logins) > 0 {
		n := min(some, len(logins))
		if err := p.order(order{Connect: logins[:n]}); err != nil {
			return err
		}
		logins = logins[n:]
	}
	return nil
}

// Collect has the process collect garbage when it has begun all its devices.
func (p *Process) Collect() error { return p.order(order{Collect: true}) }

// Last is the newest report, and what is closed at the next.
func (p *Process) Last() (Report, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.changed
}

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Close ends the orders, and so the process, whose devices say goodbye.
func (p *Process) Close() error {
	_ = p.orders.Close()
	<-p.exited
	if p.err != nil {
		return fmt.Errorf("load process: %w", p.err)
	}
	return nil
}
