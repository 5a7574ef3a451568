// Command cluster is a Kubernetes control plane in one binary, with a subcommand
// for each of its parts. The tests, the demo and `make up` run it; nothing of it is
// shipped.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

const usage = `usage: cluster COMMAND [flags]

  control-plane            all parts, supervised; ends when its standard input does
  etcd                     one part alone, with its own flags
  kube-apiserver
  kube-controller-manager
  kubectl

Called through a link of a command's name, it is that command.`

func main() {
	run(filepath.Base(os.Args[0]))
	if len(os.Args) > 1 {
		os.Args = os.Args[1:]
		run(os.Args[0])
	}
	fmt.Fprintln(os.Stderr, usage)
	os.Exit(2)
}

// run becomes the command of that name, or returns when there is none. Each command
// reads os.Args itself, and expects to be called by its own name.
func run(command string) {
	switch command {
	case "control-plane":
		exit(controlPlane(os.Args[1:]))
	case "etcd":
		etcdmain.Main(os.Args)
		exit(nil)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(manager.NewControllerManagerCommand()))
	case "kubectl":
		exit(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()))
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
