package main

import (
	"context"
	"fmt"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// A sign is what can be seen of a control plane that works: nil, or what is missing.
type sign func(context.Context, kubernetes.Interface) error

// await returns when all signs are there.
func await(ctx context.Context, client kubernetes.Interface, signs ...sign) error {
	const deadline = time.Minute
	for _, sign := range signs {
		var missing error
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, deadline, true, func(ctx context.Context) (bool, error) {
			missing = sign(ctx, client)
			return missing == nil, nil
		})
		if err != nil {
			return fmt.Errorf("the control plane is not ready after %s: %w", deadline, missing)
		}
	}
	return nil
}

func answers(ctx context.Context, client kubernetes.Interface) error {
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

func hasNamespace(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().Namespaces().Get(ctx, meta.NamespaceDefault, meta.GetOptions{})
	return err
}

// hasRoles is the sign that the controller manager works: it fills these roles.
func hasRoles(ctx context.Context, client kubernetes.Interface) error {
	for _, name := range []string{"view", "edit", "admin"} {
		role, err := client.RbacV1().ClusterRoles().Get(ctx, name, meta.GetOptions{})
		if err != nil {
			return err
		}
		if len(role.Rules) == 0 {
			return fmt.Errorf("cluster role %s has no rules yet", name)
		}
	}
	return nil
}
