package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience is how long a part may take to stop before it is killed.
const patience = 10 * time.Second

// part is one process of the control plane.
type part struct {
	name   string
	args   []string
	folder string
	died   context.CancelCauseFunc // told when the part ends without having been told to

	cancel context.CancelFunc
	ended  chan struct{} // closed when the process is gone; nil until it first started
}

// start runs the part; its output goes to a file of its name.
func (p *part) start() error {
	p.stop()
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	program, err := p.program()
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, p.args...)
	command.Args[0] = p.name
	command.Dir = p.folder
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = boundToParent()
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	if err := command.Start(); err != nil {
		cancel()
		return err
	}
	p.cancel, p.ended = cancel, make(chan struct{})
	go func(ended chan struct{}) {
		err := command.Wait()
		if ctx.Err() == nil {
			p.died(death{part: p.name, reason: err, log: tail(p.log())})
		}
		close(ended)
	}(p.ended)
	return nil
}

// stop returns when the part has ended, which it may have done before.
func (p *part) stop() {
	if p.ended != nil {
		p.cancel()
		<-p.ended
	}
}

// program is this one, which becomes the part when called by its name, or the part's own
// where KUBEBUILDER_ASSETS, a convention of controller tests, brings it.
func (p *part) program() (string, error) {
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
		if program, err := exec.LookPath(filepath.Join(assets, p.name)); err == nil {
			return filepath.Abs(program)
		}
	}
	return os.Executable()
}

func (p *part) log() string { return filepath.Join(p.folder, p.name+".log") }

// death is the end of a part that nobody asked for.
type death struct {
	part   string
	reason error
	log    string
}

func (d death) Error() string {
	return fmt.Sprintf("%s ended by itself (%v); the end of its log:\n%s", d.part, d.reason, d.log)
}

// deathIn is the death that ended the context, or nil when something else did.
func deathIn(ctx context.Context) error {
	if cause, ok := errors.AsType[death](context.Cause(ctx)); ok {
		return cause
	}
	return nil
}

// tail returns the last lines of a log.
func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
