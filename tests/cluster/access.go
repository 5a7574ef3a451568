package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	config "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// The files of a control plane, in its folder.
const (
	adminKubeconfig             = "admin.kubeconfig"
	controllerManagerKubeconfig = "kube-controller-manager.kubeconfig"
	servingCertificate          = "kube-apiserver.crt"
	servingKey                  = "kube-apiserver.key"
	serviceAccountKey           = "service-accounts.key"
	tokens                      = "tokens.csv"
)

// access is how the API server is reached. In JSON it is what callers are told.
type access struct {
	Kubeconfig string `json:"kubeconfig"` // the administrator's
	Server     string `json:"server"`

	port   int
	client kubernetes.Interface
}

// issue takes a port for the API server and writes what a new control plane keeps secret:
// keys, and tokens for the administrator and the controller manager.
func issue(folder, kubeconfig string) (*access, error) {
	port, err := reservePort()
	if err != nil {
		return nil, err
	}
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(10, 0, 0, 1)},
		[]string{"localhost", "kubernetes.default.svc"})
	if err != nil {
		return nil, err
	}
	signingKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return nil, err
	}
	// The controller manager is an administrator too: a cluster role can be aggregated only by
	// who has every right in it.
	admin, manager := rand.Text(), rand.Text()
	users := admin + ",admin,,system:masters\n" + manager + ",system:kube-controller-manager,,system:masters\n"
	for name, content := range map[string][]byte{
		servingCertificate: certificate,
		servingKey:         key,
		serviceAccountKey:  signingKey,
		tokens:             []byte(users),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return nil, err
		}
	}

	if kubeconfig == "" {
		kubeconfig = filepath.Join(folder, adminKubeconfig)
	} else if kubeconfig, err = filepath.Abs(kubeconfig); err != nil {
		return nil, err
	}
	server := fmt.Sprintf("https://127.0.0.1:%d", port)
	forAdmin := kubeconfigOf(server, certificate, "admin", admin)
	forManager := kubeconfigOf(server, certificate, controllerManager, manager)
	if err := errors.Join(
		clientcmd.WriteToFile(forAdmin, kubeconfig),
		clientcmd.WriteToFile(forManager, filepath.Join(folder, controllerManagerKubeconfig)),
	); err != nil {
		return nil, err
	}
	rest, err := clientcmd.NewDefaultClientConfig(forAdmin, nil).ClientConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(rest)
	return &access{Kubeconfig: kubeconfig, Server: server, port: port, client: client}, err
}

func kubeconfigOf(server string, authority []byte, user, token string) config.Config {
	const name = "scim-operator"
	return config.Config{
		Clusters:       map[string]*config.Cluster{name: {Server: server, CertificateAuthorityData: authority}},
		AuthInfos:      map[string]*config.AuthInfo{user: {Token: token}},
		Contexts:       map[string]*config.Context{name: {Cluster: name, AuthInfo: user}},
		CurrentContext: name,
	}
}
