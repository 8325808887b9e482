package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/chatlab/chatlab/scenarios/child"
)

// Process is one load process as its parent sees it.
type Process struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	out    *json.Encoder
	exited chan struct{}
	err    error

	mu      sync.Mutex
	last    Report
	changed chan struct{} // closed at the next report
}

// Start begins a process. Each of its reports is also given to observe, one at a time.
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
	p := &Process{cmd: cmd, orders: orders, out: json.NewEncoder(orders), exited: make(chan struct{}), changed: make(chan struct{})}
	go p.listen(reports, observe)
	if err := p.out.Encode(s); err != nil {
		return nil, errors.Join(fmt.Errorf("set up load process: %w", err), p.Close())
	}
	return p, nil
}

func (p *Process) listen(reports io.Reader, observe func(Report)) {
	in := json.NewDecoder(reports)
	for {
		var r Report
		if in.Decode(&r) != nil {
			break
		}
		observe(r)
		p.mu.Lock()
		p.last = r
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, reports)
	p.err = p.cmd.Wait()
	close(p.exited)
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Connect has the process connect devices.
func (p *Process) Connect(logins []Login) error {
	const some = 500 // in one line
	for len(logins) > 0 {
		n := min(some, len(logins))
		if err := p.out.Encode(order{Connect: logins[:n]}); err != nil {
			return fmt.Errorf("order load process: %w", err)
		}
		logins = logins[n:]
	}
	return nil
}

// Collect has the process collect garbage when it has begun all its devices.
func (p *Process) Collect() error { return p.out.Encode(order{Collect: true}) }

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
