// Command gitops runs the engine of a GitOps tool, Flux's server-side apply manager, as its controllers do, in one or more
// API endpoints at once, and checks what it does.
//
//	gitops KUBECONFIG...
//
// Each kubeconfig is a workspace with a copy of the tool and of what it delivers. No controllers of workloads run
// there: where the tool waits for one, the check writes the status that the controller would write.
// One JSON line is printed for each check: {"check": "...", "ok": true, "detail": "..."}. The exit code is 0 when all held.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// runLimit ends a run that hangs.
	runLimit = 18 * time.Minute
	// patience is how long one thing may take on a slow machine.
	patience = 5 * time.Minute
)

// reference says that kube-apiserver itself is looked at: alone, without a garbage collector, and it ends no namespace.
var (
	reference      = os.Getenv("CONFORMANCE_TARGET") == "kube-apiserver"
	controllersRun = !reference
)

var (
	printing sync.Mutex
	failures int
)

// report prints one check.
func report(check string, err error) {
	printing.Lock()
	defer printing.Unlock()
	line := map[string]any{"check": check, "ok": err == nil}
	if err != nil {
		line["detail"] = err.Error()
		failures++
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

// eventually waits until condition answers nil.
func eventually(ctx context.Context, condition func() error) error {
	end := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gitops KUBECONFIG...")
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
			t, err := newTenant(name, "flux", config)
			if err != nil {
				report(name+" flux: client", err)
				return
			}
			runFlux(ctx, t)
		})
	}
	running.Wait()
	if failures > 0 {
		os.Exit(1)
	}
}
