// Package pod runs roles as child processes of this very binary, so that a crash is a real SIGKILL.
package pod

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chatlab/chatlab/scenarios/child"
	"github.com/chatlab/chatlab/system/node"
)

// marker tells a new process of this binary that it is a pod.
const marker = "CHATLAB_POD"

// Main turns the process into a pod if it was started as one, and does not return then. Commands and TestMain call it
// first.
func Main() {
	if os.Getenv(marker) == "" {
		return
	}
	os.Unsetenv(marker)
	os.Exit(node.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Pod is one child process.
type Pod struct {
	Addresses node.Addresses
	cmd       *exec.Cmd
	life      io.WriteCloser // closing it ends the pod; so does our own death
	answers   chan string    // to what it was told through it
	exited    chan struct{}
	log       *tail
	mu        sync.Mutex
	frozen    bool
}

// Start begins a process with chatd's arguments and waits until it tells its addresses.
func Start(args []string, within time.Duration) (*Pod, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own binary: %w", err)
	}
	cmd := exec.Command(self, append(args, "--watch-life")...)
	cmd.Env = append(os.Environ(), marker+"=1", "GOMAXPROCS=2")
	child.DieWithParent(cmd)
	p := &Pod{cmd: cmd, answers: make(chan string, 16), exited: make(chan struct{}), log: &tail{}}
	cmd.Stderr = p.log
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make life pipe: %w", err)
	}
	p.life = life
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make output pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start pod: %w", err)
	}
	told := make(chan error, 1)
	go p.wait(out, told)
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case err = <-told:
	case <-t.C:
		err = fmt.Errorf("did not start within %s", within)
	}
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("start pod: %w\n%s", err, p.log)
	}
	return p, nil
}

// wait reads the addresses, then the answers, then reaps the process.
func (p *Pod) wait(out io.Reader, told chan<- error) {
	defer close(p.exited)
	r := bufio.NewReader(out)
	line, err := r.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.Addresses)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("ended before it listened")
	}
	told <- err
	for err == nil {
		var answer string
		answer, err = r.ReadString('\n')
		select {
		case p.answers <- strings.TrimSpace(answer):
		default: // nobody has listened for long
		}
	}
	_, _ = io.Copy(io.Discard, r)
	_ = p.cmd.Wait()
}

// PID is the process's id.
func (p *Pod) PID() int { return p.cmd.Process.Pid }

// Log is the end of what the pod wrote, a few lines; empty when it had nothing to say.
func (p *Pod) Log() string { return p.log.String() }

// Exited is closed when the process has ended.
func (p *Pod) Exited() <-chan struct{} { return p.exited }

// Ended says how the process ended, for example "signal: killed"; empty while it runs.
func (p *Pod) Ended() string {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.String()
	default:
		return ""
	}
}

// Kill is a crash: SIGKILL, whatever the pod is doing.
func (p *Pod) Kill() {
	_ = p.Thaw() // a stopped process dies, too, but late on some systems
	_ = p.cmd.Process.Kill()
	<-p.exited
	p.life.Close()
}

// Stop asks the pod to end and waits; past the time it is killed, which is an error.
func (p *Pod) Stop(within time.Duration) error {
	_ = p.Thaw()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.exited:
		p.life.Close()
		return nil
	case <-t.C:
		p.Kill()
		return fmt.Errorf("pod %s did not stop within %s", p.Addresses.Name, within)
	}
}

// Freeze stops the process as a long pause would: its sockets live, nothing answers. It returns when that is so.
func (p *Pod) Freeze() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		return nil
	}
	p.frozen = true
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStop(p.cmd.Process.Pid)
}

// Thaw continues a frozen process.
func (p *Pod) Thaw() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.frozen {
		return nil
	}
	p.frozen = false
	return p.cmd.Process.Signal(syscall.SIGCONT)
}

// Skew sets the pod's wall clock ahead by so much and returns when it is; a frozen pod does that first when it goes on.
func (p *Pod) Skew(ctx context.Context, by time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.answers) > 0 {
		<-p.answers // of times when it was frozen
	}
	line := "skew " + by.String()
	if _, err := fmt.Fprintln(p.life, line); err != nil {
		return fmt.Errorf("skew pod %s: %w", p.Addresses.Name, err)
	}
	for !p.frozen {
		select {
		case answer := <-p.answers:
			if answer == line {
				return nil
			}
		case <-p.exited:
			return fmt.Errorf("skew pod %s: it ended: %s", p.Addresses.Name, p.Ended())
		case <-ctx.Done():
			return fmt.Errorf("skew pod %s: %w", p.Addresses.Name, ctx.Err())
		}
	}
	return nil
}
