package embedded

import (
	"context"
	"fmt"
)

// Kill crashes a pod: SIGKILL.
func (s *System) Kill(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("kill %s: no such pod runs", name)
	}
	p.Kill()
	s.forget(name)
	return nil
}

// StartAgain starts a pod that was killed.
func (s *System) StartAgain(_ context.Context, name string) error {
	if err := s.exists(name); err != nil {
		return err
	}
	if _, ok := s.pod(name); ok {
		return fmt.Errorf("start %s: it runs", name)
	}
	return s.startPod(name)
}

// Freeze stops a pod's process as a long pause would.
func (s *System) Freeze(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("freeze %s: no such pod runs", name)
	}
	return p.Freeze()
}

// Thaw continues a frozen pod.
func (s *System) Thaw(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("thaw %s: no such pod runs", name)
	}
	return p.Thaw()
}

// Healthy says whether everything works again.
func (s *System) Healthy(ctx context.Context) error { return s.waitReady(ctx) }
