package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

type options struct {
	dir             string
	adminKubeconfig string
	fsync           bool
	detach          bool
}

// controlPlane runs etcd, the API server and the controller manager until its standard
// input ends, a signal comes, or one of them dies. Once they are ready it says so in one
// line of JSON; from then on it takes orders on its standard input, one a line.
func controlPlane(args []string) error {
	var o options
	flags := flag.NewFlagSet("control-plane", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "", "a new `folder` for data, credentials and logs (default: a temporary one, removed at the end)")
	flags.StringVar(&o.adminKubeconfig, "admin-kubeconfig", "", "the `file` for the administrator's kubeconfig (default: admin.kubeconfig in the folder)")
	flags.BoolVar(&o.fsync, "fsync", false, "let etcd wait for the disk, as it does in production")
	flags.BoolVar(&o.detach, "detach", false, "return when ready, and go on in the background until the process in the folder's file `pid` gets a signal")
	flags.Parse(args)
	if o.detach {
		return detach(o)
	}

	// Answers may find nobody who reads them, which is no reason to die.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	ctx, end := context.WithCancelCause(signals)
	err := supervise(ctx, end, o)
	if ctx.Err() != nil {
		return deathIn(ctx) // what else failed did so because of the end
	}
	return err
}

func supervise(ctx context.Context, end context.CancelCauseFunc, o options) error {
	// To Linux the parent whose death ends a child is a thread: this one lasts.
	runtime.LockOSThread()
	folder, discard, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	defer discard()
	access, err := issue(folder, o.adminKubeconfig)
	if err != nil {
		return err
	}
	orders := make(chan string)
	go forward(ctx, os.Stdin, orders, end)

	plane := newPlane(folder, access, o.fsync, end)
	defer plane.stop()
	if err := plane.start(ctx); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(access); err != nil {
		return err
	}
	for {
		select {
		case order := <-orders:
			fmt.Println(plane.obey(ctx, order))
		case <-ctx.Done():
			return nil
		}
	}
}

// openFolder returns the absolute path of the folder, and what to do with it at the end.
func openFolder(dir string) (string, func(), error) {
	if dir == "" {
		dir, err := os.MkdirTemp("", "control-plane-")
		return dir, func() { os.RemoveAll(dir) }, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "etcd")); !errors.Is(err, os.ErrNotExist) {
		return "", nil, fmt.Errorf("%s holds the data of another control plane: end that one and remove the folder", dir)
	}
	return dir, func() {}, os.MkdirAll(dir, 0o700)
}

// forward passes lines on. With the last one everything ends: whoever held the other end
// has gone.
func forward(ctx context.Context, from io.Reader, to chan<- string, end context.CancelCauseFunc) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		select {
		case to <- lines.Text():
		case <-ctx.Done():
			return
		}
	}
	end(nil)
}
