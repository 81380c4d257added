package tenant

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"conformance/checks"
)

const (
	// runLimit ends a run that hangs.
	runLimit = 18 * time.Minute
	// Patience is how long one thing may take on a slow machine.
	Patience = 5 * time.Minute
)

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
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	var running sync.WaitGroup
	for index, path := range os.Args[1:] {
		config, err := clientcmd.BuildConfigFromFlags("", path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		config.QPS, config.Burst = -1, 0
		config.WarningHandler = rest.NoWarnings{}
		running.Go(func() {
			name := fmt.Sprintf("tenant-%d", index)
			t, err := newTenant(name, tool, config)
			if err != nil {
				checks.Report(name+" "+tool+": client", err)
				return
			}
			run(ctx, t)
		})
	}
	running.Wait()
	checks.Exit()
}
