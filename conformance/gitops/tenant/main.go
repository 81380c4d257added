package tenant

import (
	"context"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"conformance/checks"
)

// Patience is how long one thing may take on a slow machine.
const Patience = checks.Patience

// Reference says that kube-apiserver itself is looked at: alone, without a garbage collector, and it ends no namespace.
var (
	Reference      = os.Getenv("CONFORMANCE_TARGET") == "kube-apiserver"
	ControllersRun = !Reference
)

// Eventually waits until condition answers nil.
func Eventually(ctx context.Context, condition func() error) error {
	return checks.Eventually(ctx, Patience, condition)
}

// Main runs a tool in the workspaces of all kubeconfigs that the command line names, and ends the program.
func Main(tool string, run func(ctx context.Context, t *Tenant)) {
	if len(os.Args) < 2 {
		fmt.Fprintf(os.Stderr, "usage: %s KUBECONFIG...\n", tool)
		os.Exit(2)
	}
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	checks.InEach(os.Args[1:], func(ctx context.Context, index int, kubeconfig string) error {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return err
		}
		config.QPS, config.Burst = -1, 0
		config.WarningHandler = rest.NoWarnings{}
		t, err := newTenant(fmt.Sprintf("tenant-%d", index), tool, config)
		if err != nil {
			return err
		}
		run(ctx, t)
		return nil
	})
}
