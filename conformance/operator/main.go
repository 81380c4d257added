// Command operator runs an operator on controller-runtime in one or more API endpoints at once, and checks what it does.
//
//	operator KUBECONFIG...
//
// Each kubeconfig is a workspace with a copy of the operator: its CustomResourceDefinition with two versions, its
// webhooks for admission and conversion (served over loopback HTTPS with a certificate authority of its own), its
// controller behind leader election, and its metrics. envtest installs all that in the way of USE_EXISTING_CLUSTER.
// One JSON line is printed for each check: {"check": "...", "ok": true, "detail": "..."}. The exit code is 0 when all held.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/yaml"

	corev1 "k8s.io/api/core/v1"

	"conformance/checks"
	gardenv1 "conformance/operator/garden/v1"
	gardenv1alpha1 "conformance/operator/garden/v1alpha1"
)

const (
	patience = checks.Patience
	// namespace is where the gardens are, in every workspace.
	namespace = "gardens"
)

//go:embed manifests/gardens.yaml
var definition []byte

//go:embed manifests/webhooks.yaml
var webhooks []byte

// tenant is one workspace with its copy of the operator.
type tenant struct {
	index    int
	config   *rest.Config
	scheme   *runtime.Scheme
	client   client.WithWatch
	env      *envtest.Environment
	gardener *gardener
	metrics  string
}

func (t *tenant) name() string { return fmt.Sprintf("tenant-%d", t.index) }

// check runs one check and reports it; an error ends nothing.
func (t *tenant) check(what string, run func() error) bool {
	err := run()
	checks.Report(fmt.Sprintf("%s: %s", t.name(), what), err)
	return err == nil
}

// eventually waits until condition answers nil.
func eventually(ctx context.Context, condition func() error) error {
	return checks.Eventually(ctx, patience, condition)
}

// install lets envtest put the definition and the webhook configurations into the workspace.
func (t *tenant) install() error {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(definition, crd); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "operator-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := folder + "/webhooks.yaml"
	if err := os.WriteFile(path, webhooks, 0o600); err != nil {
		return err
	}
	t.env = &envtest.Environment{
		// UseExistingCluster is left to the variable USE_EXISTING_CLUSTER, which the suite sets.
		Config: t.config,
		Scheme: t.scheme,
		CRDInstallOptions: envtest.CRDInstallOptions{
			Scheme: t.scheme, CRDs: []*apiextensionsv1.CustomResourceDefinition{crd},
			MaxTime: patience, CleanUpAfterUse: true,
		},
		WebhookInstallOptions: envtest.WebhookInstallOptions{Paths: []string{path}, MaxTime: patience},
	}
	_, err = t.env.Start()
	return err
}

// start runs one copy of the operator until ctx ends. Only the first of a workspace serves webhooks and metrics.
func (t *tenant) start(ctx context.Context, first bool) (ctrl.Manager, *gardener, <-chan error, error) {
	skip, lease, renew := true, 3*time.Minute, 2*time.Minute
	options := ctrl.Options{
		Scheme: t.scheme, Logger: logr.Discard(), Metrics: server.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: "gardener", LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true,
		// A lease that nobody loses because the machine is busy; who stops gives it back.
		LeaseDuration: &lease, RenewDeadline: &renew,
		Controller: config.Controller{SkipNameValidation: &skip},
	}
	if first {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		t.metrics = listener.Addr().String()
		listener.Close()
		options.Metrics.BindAddress = t.metrics
		serving := t.env.WebhookInstallOptions
		options.WebhookServer = webhook.NewServer(webhook.Options{
			Host: serving.LocalServingHost, Port: serving.LocalServingPort, CertDir: serving.LocalServingCertDir,
		})
	}
	mgr, err := ctrl.NewManager(t.config, options)
	if err != nil {
		return nil, nil, nil, err
	}
	if first {
		err := ctrl.NewWebhookManagedBy(mgr, &gardenv1.Garden{}).WithDefaulter(defaulter{}).WithValidator(validator{}).Complete()
		if err != nil {
			return nil, nil, nil, err
		}
	}
	g := &gardener{Client: mgr.GetClient(), tenant: t.name(), recorder: mgr.GetEventRecorder("gardener")}
	if err := ctrl.NewControllerManagedBy(mgr).Named("gardener").For(&gardenv1.Garden{}).Owns(&corev1.ConfigMap{}).Complete(g); err != nil {
		return nil, nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return mgr, g, ended, nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: operator KUBECONFIG...")
		os.Exit(2)
	}
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	checks.InEach(os.Args[1:], func(ctx context.Context, index int, kubeconfig string) error {
		restConfig, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return err
		}
		restConfig.QPS, restConfig.Burst = -1, 0
		scheme := runtime.NewScheme()
		for _, add := range []func(*runtime.Scheme) error{
			clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, admissionv1.AddToScheme,
			gardenv1.AddToScheme, gardenv1alpha1.AddToScheme,
		} {
			if err := add(scheme); err != nil {
				return err
			}
		}
		t := &tenant{index: index, config: restConfig, scheme: scheme}
		t.run(ctx)
		return nil
	})
}
