package pod

import (
	"os/exec"
	"syscall"
)

// DieWithParent makes the kernel end the pod when we die. The life pipe does the same everywhere, for a pod that can
// still read; this also ends a frozen one.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
