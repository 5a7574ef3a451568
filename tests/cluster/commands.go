package main

import (
	"fmt"
	"strings"
)

const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
)

// controllers are the ones that a cluster without nodes needs. Without the aggregation of
// cluster roles `view` and `edit` would have no rules, and no test of RBAC would mean
// anything.
var controllers = []string{
	"clusterrole-aggregation-controller",
	"garbage-collector-controller",
	"namespace-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
}

// etcd is reached by sockets alone: it asks nobody who they are. Relative paths, as in
// every command here, which runs in the control plane's folder, stay within the length
// that a socket's path may have.
func etcdCommand(fsync bool) []string {
	return []string{
		etcd,
		"--data-dir=etcd",
		"--listen-client-urls=" + etcdClients,
		"--advertise-client-urls=" + etcdClients,
		"--listen-peer-urls=" + etcdPeers,
		"--initial-advertise-peer-urls=" + etcdPeers,
		"--initial-cluster=default=" + etcdPeers,
		"--log-level=warn",
		fmt.Sprintf("--unsafe-no-fsync=%t", !fsync),
	}
}

const (
	etcdClients = "unix://etcd.sock"
	etcdPeers   = "unix://etcd-peers.sock"
)

func apiServerCommand(port int) []string {
	return []string{
		apiServer,
		"--etcd-servers=" + etcdClients,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--permit-port-sharing", // with the supervisor, which keeps the port
		"--tls-cert-file=" + servingCertificate,
		"--tls-private-key-file=" + servingKey,
		"--token-auth-file=" + tokens,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + serviceAccountKey,
		"--service-account-signing-key-file=" + serviceAccountKey,
		"--service-cluster-ip-range=10.0.0.0/24",
		"--endpoint-reconciler-type=none",              // the API server is no Pod, and needs no Endpoints
		"--shutdown-watch-termination-grace-period=1s", // or it waits for watches, for up to a minute
	}
}

func controllerManagerCommand() []string {
	return []string{
		controllerManager,
		"--kubeconfig=" + controllerManagerKubeconfig,
		"--controllers=" + strings.Join(controllers, ","),
		"--service-account-private-key-file=" + serviceAccountKey,
		"--leader-elect=false",
		"--secure-port=0",
	}
}
