package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	gosync "sync"
	"time"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/sync/hook"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"conformance/gitops/tenant"
)

const (
	// trackingID is the annotation by which Argo CD knows what an application owns.
	trackingID = "argocd.argoproj.io/tracking-id"
	// argoField is the name under which its controller applies.
	argoField = "argocd-controller"
	// application is the name of the application of most checks.
	application = "shop"
)

// argo is the engine of Argo CD, set up and driven as its application controller does.
type argo struct {
	*tenant.Tenant
	kubectl *kube.KubectlCmd
	cache   cache.ClusterCache
	lock    gosync.Mutex
	events  []string
	// stepped is told the message of each step of a synchronisation, where a check sets it.
	stepped func(message string)
}

// tracked is what the cache keeps beside each resource.
type tracked struct{ id string }

// parcels knows when a Parcel is well, as a script of Argo CD's would.
type parcels struct{}

func (parcels) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	if object.GetKind() != "Parcel" {
		return nil, nil
	}
	list, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range list {
		if condition, ok := each.(map[string]any); ok && condition["type"] == "Ready" {
			return &health.HealthStatus{Status: health.HealthStatusHealthy, Message: "delivered"}, nil
		}
	}
	return &health.HealthStatus{Status: health.HealthStatusProgressing, Message: "on its way"}, nil
}

func (parcels) IsExcludedResource(_, _, _ string) bool { return false }
func (parcels) GetLabelSelector(_, _, _ string) string { return "" }

func runArgo(ctx context.Context, t *tenant.Tenant) {
	a := &argo{Tenant: t, kubectl: &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}}
	a.cache = cache.NewClusterCache(t.Config,
		cache.SetKubectl(a.kubectl), cache.SetLogr(logr.Discard()), cache.SetEventProcessingInterval(20*time.Millisecond),
		cache.SetSettings(cache.Settings{ResourceHealthOverride: parcels{}, ResourcesFilter: parcels{}}),
		cache.SetBatchEventsProcessing(true),
		cache.SetPopulateResourceInfoHandler(func(object *unstructured.Unstructured, _ bool) (any, bool) {
			id := object.GetAnnotations()[trackingID]
			return &tracked{id}, id != ""
		}),
	)
	defer a.cache.Invalidate()
	a.cache.OnResourceUpdated(func(now, before *cache.Resource, _ map[kube.ResourceKey]*cache.Resource) {
		a.lock.Lock()
		defer a.lock.Unlock()
		switch {
		case before == nil:
			a.events = append(a.events, "+"+now.Ref.Kind+"/"+now.Ref.Name)
		case now == nil:
			a.events = append(a.events, "-"+before.Ref.Kind+"/"+before.Ref.Name)
		}
	})
	if !a.Check("the cache reads every kind of the workspace", func() error { return a.fill() }) {
		return
	}
	a.waves(ctx)
	a.differences(ctx)
	a.Check("drift and deletion are corrected as soon as the cache hears of them", func() error { return a.healing(ctx) })
	a.pruning(ctx)
	a.deleting(ctx)
	a.applying(ctx)
	a.trees(ctx)
	a.failing(ctx)
	a.Check("no object of another workspace is seen", func() error { return a.isolated() })
	a.Check("an application without manifests is pruned away", func() error { return a.uninstall(ctx) })
}

// fill synchronises the cache and checks what it then knows of the workspace.
func (a *argo) fill() error {
	if err := a.cache.EnsureSynced(); err != nil {
		return err
	}
	info := a.cache.GetClusterInfo()
	if info.SyncError != nil || info.APIsCount < 40 || !strings.HasPrefix(info.K8SVersion, "1.") && !strings.HasPrefix(info.K8SVersion, "v1.") {
		return fmt.Errorf("error %v, %d kinds, version %s", info.SyncError, info.APIsCount, info.K8SVersion)
	}
	if found := a.cache.FindResources("", cache.ResourceOfGroupKind("", "Namespace")); len(found) < 2 {
		return fmt.Errorf("%d namespaces", len(found))
	}
	for kind, want := range map[schema.GroupKind]bool{
		{Kind: "ConfigMap"}: true, {Kind: "Namespace"}: false, {Group: "apps", Kind: "Deployment"}: true,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}: false,
	} {
		if namespaced, err := a.cache.IsNamespaced(kind); err != nil || namespaced != want {
			return fmt.Errorf("%s: %v %v", kind, namespaced, err)
		}
	}
	return nil
}

// tracking marks objects as an application's.
func tracking(app string, objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	for _, object := range objects {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[trackingID] = trackingOf(app, kube.GetResourceKey(object))
		object.SetAnnotations(annotations)
	}
	return objects
}

func trackingOf(app string, key kube.ResourceKey) string {
	return fmt.Sprintf("%s:%s/%s:%s/%s", app, key.Group, key.Kind, key.Namespace, key.Name)
}

// manages says whether a resource is an application's, and no copy of one of its objects.
func manages(app string) func(r *cache.Resource) bool {
	return func(r *cache.Resource) bool { return r.Info.(*tracked).id == trackingOf(app, r.ResourceKey()) }
}

// state compares what app should have with what is there.
func (a *argo) state(app string, targets []*unstructured.Unstructured) (sync.ReconciliationResult, error) {
	objects := tracking(app, tenant.Copies(targets))
	live, err := a.cache.GetManagedLiveObjs(objects, manages(app))
	if err != nil {
		return sync.ReconciliationResult{}, err
	}
	return sync.Reconcile(objects, live, a.Tool, a.cache), nil
}

// outcome is how a synchronisation ended.
type outcome struct {
	phase   common.OperationPhase
	message string
	results []common.ResourceSyncResult
	waves   []string
	// messages are those of the steps.
	messages []string
}

// of answers the result for an object.
func (o *outcome) of(kind, name string) common.ResourceSyncResult {
	for _, result := range o.results {
		if result.ResourceKey.Kind == kind && result.ResourceKey.Name == name {
			return result
		}
	}
	return common.ResourceSyncResult{Message: "no result for " + kind + " " + name}
}

// ended fails unless the synchronisation ended in that phase.
func (o *outcome) ended(phase common.OperationPhase) error {
	if o.phase == phase {
		return nil
	}
	var texts []string
	for _, result := range o.results {
		texts = append(texts, fmt.Sprintf("%s %s %s: %s", result.ResourceKey.Kind, result.ResourceKey.Name, result.Status, result.Message))
	}
	return fmt.Errorf("%s, want %s: %s [%s]", o.phase, phase, o.message, strings.Join(texts, "; "))
}

// sync brings the application to its targets, one step after another with the state read anew, until it is over.
func (a *argo) sync(ctx context.Context, app string, targets []*unstructured.Unstructured, options ...sync.SyncOpt) (*outcome, error) {
	o := &outcome{}
	started := metav1.Now()
	policy := metav1.DeletePropagationForeground
	if !tenant.ControllersRun {
		policy = metav1.DeletePropagationBackground
	}
	end := time.Now().Add(tenant.Patience)
	for step := 0; ; step++ {
		state, err := a.state(app, targets)
		if err != nil {
			return nil, err
		}
		all := append([]sync.SyncOpt{
			sync.WithLogr(logr.Discard()), sync.WithHealthOverride(parcels{}), sync.WithServerSideApplyManager(argoField),
			sync.WithInitialState(o.phase, o.message, o.results, started), sync.WithPrunePropagationPolicy(&policy),
			sync.WithSyncWaveHook(func(phase common.SyncPhase, wave int, _ bool) error {
				o.waves = append(o.waves, fmt.Sprintf("%s %d", phase, wave))
				return nil
			}),
		}, options...)
		running, cleanup, err := sync.NewSyncContext("0123456789abcdef", state, a.Config, a.Config, a.kubectl, a.Tool, a.cache.GetOpenAPISchema(), all...)
		if err != nil {
			return nil, err
		}
		running.Sync()
		cleanup()
		o.phase, o.message, o.results = running.GetState()
		o.messages = append(o.messages, o.message)
		if a.stepped != nil {
			a.stepped(o.message)
		}
		if o.phase.Completed() {
			return o, nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return nil, fmt.Errorf("not within %s: %s", tenant.Patience, o.message)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// synced is sync for an end in success.
func (a *argo) synced(ctx context.Context, app string, targets []*unstructured.Unstructured, options ...sync.SyncOpt) (*outcome, error) {
	o, err := a.sync(ctx, app, targets, options...)
	if err != nil {
		return nil, err
	}
	return o, o.ended(common.OperationSucceeded)
}

// same fails when the cache shows a difference between an application and its targets.
func (a *argo) same(app string, targets []*unstructured.Unstructured, options ...diff.Option) error {
	state, err := a.state(app, targets)
	if err != nil {
		return err
	}
	for at := range state.Target {
		if state.Target[at] == nil && hook.IsHook(state.Live[at]) {
			continue
		}
		if state.Target[at] == nil {
			return fmt.Errorf("%s is too much", state.Live[at].GetName())
		}
		result, err := diff.Diff(state.Target[at], state.Live[at], append(options, diff.WithLogr(logr.Discard()))...)
		if err != nil {
			return err
		}
		if result.Modified {
			return fmt.Errorf("%s differs: %s and %s", state.Target[at].GetName(), result.NormalizedLive, result.PredictedLive)
		}
	}
	return nil
}

// settled waits until the cache shows no difference between an application and its targets.
func (a *argo) settled(ctx context.Context, app string, targets []*unstructured.Unstructured, options ...diff.Option) error {
	return tenant.Eventually(ctx, func() error { return a.same(app, targets, options...) })
}

// cached waits until the cache has the resource, or has it no longer.
func (a *argo) cached(ctx context.Context, key kube.ResourceKey, want bool) error {
	return tenant.Eventually(ctx, func() error {
		found := a.cache.FindResources(key.Namespace, func(r *cache.Resource) bool { return r.ResourceKey() == key })
		if (len(found) > 0) != want {
			return fmt.Errorf("the cache has %d of %v", len(found), key)
		}
		return nil
	})
}

// played are the kinds whose controllers the checks play.
var played = []metav1.GroupVersionKind{
	{Group: "batch", Version: "v1", Kind: "Job"}, {Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}, {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "argo.example.com", Version: "v1", Kind: "Parcel"},
}

// playing writes the status that react answers for each object of those kinds, once for each, until the answer is called.
func (a *argo) playing(ctx context.Context, react func(object *unstructured.Unstructured) map[string]any) (stop func() error) {
	playing, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		seen := map[string]bool{}
		for playing.Err() == nil {
			for _, kind := range played {
				list := &unstructured.UnstructuredList{}
				list.SetAPIVersion(metav1.GroupVersion{Group: kind.Group, Version: kind.Version}.String())
				list.SetKind(kind.Kind + "List")
				// The definition may not be there yet.
				if a.Client.List(playing, list, client.InNamespace(a.Tool)) != nil {
					continue
				}
				for _, object := range list.Items {
					id := fmt.Sprintf("%s %d", object.GetUID(), object.GetGeneration())
					if seen[id] {
						continue
					}
					seen[id] = true
					// A Job that has ended stays as it is.
					if conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions"); kind.Kind == "Job" && len(conditions) > 0 {
						continue
					}
					status := react(&object)
					if status == nil {
						continue
					}
					if err := a.Status(playing, &object, status); err != nil && playing.Err() == nil && client.IgnoreNotFound(err) != nil {
						done <- fmt.Errorf("status of %s: %w", object.GetName(), err)
						return
					}
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		done <- nil
	}()
	return func() error {
		cancel()
		return <-done
	}
}

// well is the status of an object whose controller has done its work.
func well(object *unstructured.Unstructured) map[string]any {
	replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	status := map[string]any{}
	switch object.GetKind() {
	case "Job":
		return tenant.Job("Complete")
	case "Ingress":
		return map[string]any{"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": "192.0.2.1"}}}}
	case "Parcel":
		return tenant.Conditions("Ready")
	case "Deployment":
		status = tenant.Conditions("Available", "Progressing")
	case "StatefulSet":
		status["currentReplicas"] = replicas
		status["currentRevision"], status["updateRevision"] = "store-1", "store-1"
	}
	for _, each := range []string{"replicas", "readyReplicas", "availableReplicas", "updatedReplicas"} {
		status[each] = replicas
	}
	return status
}

// happened answers where an event stands among those of the cache; -1 where it is not.
func (a *argo) happened(event string) int {
	a.lock.Lock()
	defer a.lock.Unlock()
	return slices.Index(a.events, event)
}

// isolated fails when the cache holds what another tenant labelled.
func (a *argo) isolated() error {
	ours := 0
	for _, resource := range a.cache.FindResources("") {
		if resource.Resource == nil {
			continue
		}
		ours++
		if owner := resource.Resource.GetLabels()[tenant.Label]; owner != a.Name {
			return fmt.Errorf("%v is of %q", resource.ResourceKey(), owner)
		}
	}
	if ours < 10 {
		return fmt.Errorf("%d resources of its own", ours)
	}
	return nil
}

func (a *argo) uninstall(ctx context.Context) error {
	o, err := a.synced(ctx, application, nil, sync.WithPrune(true))
	if err != nil {
		return err
	}
	if result := o.of("Deployment", "front"); result.Status != common.ResultCodePruned {
		return fmt.Errorf("%s: %s", result.Status, result.Message)
	}
	if !tenant.ControllersRun {
		return nil
	}
	return errors.Join(
		a.cached(ctx, kube.NewResourceKey("", "Namespace", "", "argo"), false),
		a.cached(ctx, kube.NewResourceKey("argo.example.com", "Parcel", "argo", "first"), false),
	)
}

func main() { tenant.Main("argo", runArgo) }
