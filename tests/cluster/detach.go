package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// detach starts the same control plane in a session of its own, and returns when it is
// ready. Its standard input is a named pipe that it holds open itself: only a signal ends
// it, and whoever owns the folder can give it orders.
func detach(o options) error {
	if o.dir == "" {
		return errors.New("--detach needs --dir, where the pid of what goes on will stand")
	}
	folder, _, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	pipe := filepath.Join(folder, "orders")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		return err
	}
	orders, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	logPath := filepath.Join(folder, "control-plane.log")
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}

	command := exec.Command(program, "control-plane", "--dir="+folder,
		"--admin-kubeconfig="+o.adminKubeconfig, fmt.Sprintf("--fsync=%t", o.fsync))
	command.Stdin, command.Stderr = orders, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	answers, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	ready, err := bufio.NewReader(answers).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the control plane did not start (%v):\n%s", command.Wait(), tail(logPath))
	}
	fmt.Print(ready)
	return os.WriteFile(filepath.Join(folder, "pid"), []byte(strconv.Itoa(command.Process.Pid)+"\n"), 0o600)
}
