package tour_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stepLimit is long enough to build chatd and a generated client from nothing.
const stepLimit = 5 * time.Minute

type shellKey struct{}

// shell is a POSIX shell that takes one step after another and ends at the first command that fails.
type shell struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

func start(dir string) (*shell, error) {
	cmd := exec.Command("sh", "-e")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	return &shell{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

// do types lines and reads what is printed until they are done.
func (s *shell) do(lines string) (said string, err error) {
	const done = "step is done\n"
	late := time.AfterFunc(stepLimit, s.kill)
	defer late.Stop()
	if _, err := fmt.Fprintf(s.in, "%s\nprintf '\\n%s'\n", lines, strings.TrimSuffix(done, "\n")+`\n`); err != nil {
		return "", fmt.Errorf("type a step: %w", err)
	}
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return said + line, fmt.Errorf("a command failed, or took more than %s: %w", stepLimit, err)
		}
		if line == done {
			return said, nil
		}
		said += line
	}
}

// end kills the shell with everything that it started, if anything is left.
func (s *shell) end() {
	s.kill()
	_ = s.cmd.Wait()
}

func (s *shell) kill() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }
