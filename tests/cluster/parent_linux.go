package main

import "syscall"

// boundToParent keeps a terminal's Ctrl-C, which goes to a whole process group, from the
// children, which must end in order; and has the kernel kill them if the parent is killed.
func boundToParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
