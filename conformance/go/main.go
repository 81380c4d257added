// Command go-clients runs Go client libraries against one or more API endpoints at once.
//
//	go-clients PROGRAM KUBECONFIG...
//
// Each kubeconfig is a workspace of its own; a program does the same with the same object names in all of them at
// once, and checks that it never sees what it wrote through another. One JSON line is printed for each check:
// {"check": "...", "ok": true, "detail": "..."}. The exit code is 0 when all held.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"conformance/checks"
)

const (
	protobuf = "application/vnd.kubernetes.protobuf"
	jsonType = "application/json"
	// tenantKey marks in every object's data who wrote it.
	tenantKey = "tenant"
	// patience ends the wait for something that does not come, on the slowest machine.
	patience = 3 * time.Minute
)

// tenant is one endpoint and what a program knows about it.
type tenant struct {
	index  int
	config *rest.Config
	ns     string
}

// name is how the tenant marks its objects.
func (t *tenant) name() string { return fmt.Sprintf("tenant-%d", t.index) }

// check runs one check and reports it; an error ends nothing.
func (t *tenant) check(what string, run func() error) bool {
	err := run()
	checks.Report(fmt.Sprintf("%s: %s", t.name(), what), err)
	return err == nil
}

// client is a typed clientset that speaks the given content type.
func (t *tenant) client(contentType string) kubernetes.Interface {
	config := rest.CopyConfig(t.config)
	config.ContentType = contentType
	config.AcceptContentTypes = contentType
	if contentType == protobuf {
		config.AcceptContentTypes = protobuf + "," + jsonType
	}
	return kubernetes.NewForConfigOrDie(config)
}

// mine fails for an object that another tenant wrote.
func (t *tenant) mine(object *corev1.ConfigMap) error {
	if owner := object.Data[tenantKey]; owner != t.name() {
		return fmt.Errorf("%s sees %s/%s of %q", t.name(), object.Namespace, object.Name, owner)
	}
	return nil
}

// configMap is an object marked as the tenant's.
func (t *tenant) configMap(name string, more ...string) *corev1.ConfigMap {
	data := map[string]string{tenantKey: t.name()}
	for at := 0; at+1 < len(more); at += 2 {
		data[more[at]] = more[at+1]
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.ns, Labels: map[string]string{"suite": "go"}},
		Data:       data,
	}
}

// prepare makes the program's namespace.
func (t *tenant) prepare(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}
	_, err := t.client(protobuf).CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

type program func(ctx context.Context, t *tenant)

var programs = map[string]program{
	"typed":     typed,
	"conflict":  conflict,
	"dynamic":   dynamicClient,
	"metadata":  metadataClient,
	"informers": informers,
	"watch":     watches,
	"paging":    paging,
	"leader":    leader,
	"reconcile": reconcile,
	"follow":    follow,
}

func main() {
	if len(os.Args) < 3 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go-clients PROGRAM KUBECONFIG...")
		os.Exit(2)
	}
	name := os.Args[1]
	checks.InEach(os.Args[2:], func(ctx context.Context, index int, kubeconfig string) error {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return err
		}
		config.QPS, config.Burst = -1, 0
		t := &tenant{index: index, config: config, ns: "go-" + name}
		if t.check("namespace", func() error { return t.prepare(ctx) }) {
			programs[name](ctx, t)
		}
		return nil
	})
}
