//go:build !linux

package child

import (
	"os/exec"
	"syscall"
)

// DieWithParent keeps a terminal's interrupt from reaching the process: the lab ends it in order. That it ends when we die
// is up to the pipes between us.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
