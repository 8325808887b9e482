package child

import (
	"os/exec"
	"syscall"
)

// DieWithParent makes the kernel end the process when we die, even if it is frozen, and keeps a terminal's interrupt from
// reaching it: the lab ends it in order.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
