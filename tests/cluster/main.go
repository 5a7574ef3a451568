// Command cluster is a Kubernetes control plane in one binary, with a subcommand
// for each of its parts. The tests, the demo and `make up` run it; nothing of it is
// shipped.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

const usage = `usage: cluster COMMAND [flags]

  control-plane            all parts, supervised; ends when its standard input does
  etcd                     one part alone, with its own flags
  kube-apiserver
  kube-controller-manager
  kubectl`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	// The parts read os.Args themselves, and expect to be called by their own name.
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "control-plane":
		exit(controlPlane(os.Args[1:]))
	case "etcd":
		exit(etcd(os.Args[1:]))
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	case "kubectl":
		exit(cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()))
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
