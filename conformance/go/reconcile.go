package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/go-logr/logr"

	"conformance/checks"
)

const finalizer = "conformance.example.com/copy"

// copier keeps a Secret for each ConfigMap, and removes it when the ConfigMap goes.
type copier struct {
	client.Client
	tenant  *tenant
	foreign atomic.Value
}

func (c *copier) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var source corev1.ConfigMap
	if err := c.Get(ctx, request.NamespacedName, &source); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if err := c.tenant.mine(&source); err != nil {
		if source.Name != "kube-root-ca.crt" {
			c.foreign.Store(err.Error())
		}
		return ctrl.Result{}, nil
	}
	copied := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: source.Name, Namespace: source.Namespace}}
	if !source.DeletionTimestamp.IsZero() {
		if err := c.Delete(ctx, copied); client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
		if controllerutil.RemoveFinalizer(&source, finalizer) {
			return ctrl.Result{}, client.IgnoreNotFound(c.Update(ctx, &source))
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&source, finalizer) {
		return ctrl.Result{}, c.Update(ctx, &source)
	}
	_, err := controllerutil.CreateOrUpdate(ctx, c.Client, copied, func() error {
		copied.Data = map[string][]byte{"n": []byte(source.Data["n"]), tenantKey: []byte(source.Data[tenantKey])}
		return controllerutil.SetControllerReference(&source, copied, c.Scheme())
	})
	return ctrl.Result{}, err
}

// reconcile runs a controller-runtime manager with leader election, a finalizer and an owned kind.
func reconcile(ctx context.Context, t *tenant) {
	log.SetLogger(logr.Discard())
	const objects = 10
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	skip := true
	manager, err := ctrl.NewManager(t.config, ctrl.Options{
		Metrics: server.Options{BindAddress: "0"}, Logger: logr.Discard(),
		Cache:          cache.Options{DefaultNamespaces: map[string]cache.Config{t.ns: {}}},
		LeaderElection: true, LeaderElectionID: "copier", LeaderElectionNamespace: t.ns, LeaderElectionReleaseOnCancel: true,
		Controller: config.Controller{SkipNameValidation: &skip},
	})
	if err != nil {
		checks.Report(t.name()+": manager", err)
		return
	}
	copies := &copier{Client: manager.GetClient(), tenant: t}
	err = ctrl.NewControllerManagedBy(manager).Named("copier").For(&corev1.ConfigMap{}).Owns(&corev1.Secret{}).Complete(copies)
	if err != nil {
		checks.Report(t.name()+": controller", err)
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()

	typedClient := t.client(protobuf)
	maps, secrets := typedClient.CoreV1().ConfigMaps(t.ns), typedClient.CoreV1().Secrets(t.ns)
	name := func(at int) string { return fmt.Sprintf("job-%d", at) }
	copied := func(at int, n string) func() bool {
		return func() bool {
			secret, err := secrets.Get(ctx, name(at), metav1.GetOptions{})
			return err == nil && string(secret.Data["n"]) == n && string(secret.Data[tenantKey]) == t.name()
		}
	}
	t.check("every object gets its copy", func() error {
		for at := range objects {
			if _, err := maps.Create(ctx, t.configMap(name(at), "n", strconv.Itoa(at)), metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		for at := range objects {
			if err := eventually(ctx, name(at), copied(at, strconv.Itoa(at))); err != nil {
				return err
			}
		}
		return nil
	})
	t.check("a change is copied", func() error {
		_, err := maps.Patch(ctx, name(0), types.MergePatchType, []byte(`{"data":{"n":"changed"}}`), metav1.PatchOptions{})
		if err != nil {
			return err
		}
		return eventually(ctx, "the change", copied(0, "changed"))
	})
	t.check("a lost copy is made again", func() error {
		if err := secrets.Delete(ctx, name(1), metav1.DeleteOptions{}); err != nil {
			return err
		}
		return eventually(ctx, "the copy", copied(1, "1"))
	})
	t.check("deletion runs the finalizer", func() error {
		for at := range objects {
			if err := maps.Delete(ctx, name(at), metav1.DeleteOptions{}); err != nil {
				return err
			}
		}
		for at := range objects {
			err := eventually(ctx, "no "+name(at), func() bool {
				_, err := maps.Get(ctx, name(at), metav1.GetOptions{})
				_, copyErr := secrets.Get(ctx, name(at), metav1.GetOptions{})
				return apierrors.IsNotFound(err) && apierrors.IsNotFound(copyErr)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	t.check("no object of another workspace was seen", func() error {
		if seen, ok := copies.foreign.Load().(string); ok {
			return fmt.Errorf("%s", seen)
		}
		return nil
	})
	t.check("the manager stops", func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return fmt.Errorf("still running after %s", patience)
		}
	})
}

// leader lets two candidates run for one Lease: one leads at a time, the other takes over.
func leader(ctx context.Context, t *tenant) {
	typedClient := t.client(protobuf)
	var lock sync.Mutex
	leading := map[string]bool{}
	both := false
	// run answers what ends the candidate: its work first, then its lease. client-go reports the end of the work after
	// the lease was given back, when the other may have it already.
	run := func(identity string) context.CancelFunc {
		candidate, cancel := context.WithCancel(ctx)
		go leaderelection.RunOrDie(candidate, leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: metav1.ObjectMeta{Name: "leader", Namespace: t.ns}, Client: typedClient.CoordinationV1(),
				LockConfig: resourcelock.ResourceLockConfig{Identity: t.name() + "-" + identity},
			},
			// A lease that nobody loses because the machine is busy.
			LeaseDuration: 3 * time.Minute, RenewDeadline: 2 * time.Minute, RetryPeriod: 500 * time.Millisecond, ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) {
					lock.Lock()
					defer lock.Unlock()
					for _, others := range leading {
						both = both || others
					}
					leading[identity] = true
				},
				OnStoppedLeading: func() {
					lock.Lock()
					defer lock.Unlock()
					leading[identity] = false
				},
			},
		})
		return func() {
			lock.Lock()
			leading[identity] = false
			lock.Unlock()
			cancel()
		}
	}
	leads := func(identity string) func() bool {
		return func() bool {
			lock.Lock()
			defer lock.Unlock()
			return leading[identity]
		}
	}
	holder := func(wanted string) error {
		lease, err := typedClient.CoordinationV1().Leases(t.ns).Get(ctx, "leader", metav1.GetOptions{})
		if err != nil {
			return err
		}
		return want("holder", *lease.Spec.HolderIdentity, t.name()+"-"+wanted)
	}
	endFirst := run("first")
	t.check("the first leads", func() error {
		if err := eventually(ctx, "first leads", leads("first")); err != nil {
			return err
		}
		return holder("first")
	})
	endSecond := run("second")
	defer endSecond()
	t.check("the second waits", func() error {
		time.Sleep(2 * time.Second)
		if leads("second")() {
			return fmt.Errorf("the second leads beside the first")
		}
		return holder("first")
	})
	t.check("the second takes over, and never did both lead", func() error {
		endFirst()
		if err := eventually(ctx, "second leads", leads("second")); err != nil {
			return err
		}
		if both {
			return fmt.Errorf("both led at once")
		}
		return holder("second")
	})
}
