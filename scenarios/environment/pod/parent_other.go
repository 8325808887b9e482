//go:build !linux

package pod

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps a terminal's interrupt from reaching the pod: the lab ends it in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
