package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/kubernetes"
)

// plane is the parts in the order in which they start. They stop in the opposite one: an
// API server whose etcd went first would hang for minutes.
type plane struct {
	parts  []*part
	client kubernetes.Interface
}

func newPlane(folder string, access *access, fsync bool, died context.CancelCauseFunc) *plane {
	plane := plane{client: access.client}
	for _, command := range [][]string{etcdCommand(fsync), apiServerCommand(access.port), controllerManagerCommand()} {
		plane.parts = append(plane.parts, &part{name: command[0], args: command[1:], folder: folder, died: died})
	}
	return &plane
}

// start returns once every part does its work.
func (p *plane) start(ctx context.Context) error {
	for _, part := range p.parts {
		if part.name == controllerManager {
			// It looks for the API server once a second only, and gives up after ten.
			if err := await(ctx, p.client, answers); err != nil {
				return err
			}
		}
		if err := part.start(); err != nil {
			return err
		}
	}
	return await(ctx, p.client, hasNamespace, hasRoles)
}

func (p *plane) stop() {
	for _, part := range slices.Backward(p.parts) {
		part.stop()
	}
}

// obey carries out `stop PART` or `start PART`, and returns the line that answers it.
func (p *plane) obey(ctx context.Context, order string) string {
	verb, name, _ := strings.Cut(order, " ")
	i := slices.IndexFunc(p.parts, func(part *part) bool { return part.name == name })
	switch {
	case i >= 0 && verb == "stop":
		p.parts[i].stop()
		return "stopped"
	case i >= 0 && verb == "start":
		err := p.parts[i].start()
		if err == nil {
			err = await(ctx, p.client, answers)
		}
		if err != nil {
			return err.Error()
		}
		return "ready"
	default:
		return fmt.Sprintf("%q is no order: say `stop PART` or `start PART`", order)
	}
}
