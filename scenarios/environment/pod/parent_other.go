//go:build !linux

package pod

import (
	"os/exec"
	"syscall"
)

// DieWithParent keeps a terminal's interrupt from reaching the pod: the lab ends it in order.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
