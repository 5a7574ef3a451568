//go:build !linux

package main

import "syscall"

// boundToParent keeps a terminal's Ctrl-C, which goes to a whole process group, from the
// children, which must end in order.
func boundToParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
