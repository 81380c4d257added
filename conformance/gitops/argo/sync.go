package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/engine"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"conformance/checks"
	"conformance/gitops/tenant"
)

// annotated sets annotations of Argo CD on an object, given as pairs.
func annotated(object *unstructured.Unstructured, pairs ...string) *unstructured.Unstructured {
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	for at := 0; at < len(pairs); at += 2 {
		annotations["argocd.argoproj.io/"+pairs[at]] = pairs[at+1]
	}
	object.SetAnnotations(annotations)
	return object
}

// hook is a Job that runs in a phase.
func (a *argo) hook(name string, pairs ...string) *unstructured.Unstructured {
	return annotated(a.One("apiVersion: batch/v1\nkind: Job\nmetadata: { name: "+name+", namespace: APP }\nspec: { template: { spec: { restartPolicy: Never, "+
		"containers: [{ name: run, image: 'shop.example.com/hook:1.0.0' }] } } }\n"), pairs...)
}

// waved is the shop in waves: what it stands on first, what needs the definition last.
func (a *argo) waved() []*unstructured.Unstructured {
	objects := a.Read("shop.yaml")
	annotated(tenant.Find(objects, "Namespace", "argo"), "sync-wave", "-2")
	annotated(tenant.Find(objects, "CustomResourceDefinition", "parcels.argo.example.com"), "sync-wave", "-1")
	annotated(tenant.Find(objects, "Parcel", "first"), "sync-wave", "2")
	return objects
}

// key is the cache's key for an object.
func (a *argo) key(object *unstructured.Unstructured) kube.ResourceKey {
	return kube.GetResourceKey(object)
}

// waves checks synchronisations in phases and waves, with hooks whose Jobs the check ends.
func (a *argo) waves(ctx context.Context) {
	shop := a.waved()
	before := a.hook("before", "hook", "PreSync", "hook-delete-policy", "BeforeHookCreation")
	after := a.hook("after", "hook", "PostSync", "hook-delete-policy", "HookSucceeded")
	settings, parcel := tenant.Find(shop, "ConfigMap", "settings"), tenant.Find(shop, "Parcel", "first")
	var first *outcome
	var ran string
	a.Check("makes the namespace first where it is asked to", func() error {
		o, err := a.synced(ctx, "nothing", nil, sync.WithNamespaceModifier(func(now, live *unstructured.Unstructured) (bool, error) {
			now.SetLabels(map[string]string{"made": "yes"})
			return live == nil, nil
		}))
		if err != nil {
			return err
		}
		if result := o.of("Namespace", "argo"); result.Status != common.ResultCodeSynced || result.Message != "namespace/argo created" {
			return fmt.Errorf("%s: %s", result.Status, result.Message)
		}
		return a.cached(ctx, a.key(tenant.Find(shop, "Namespace", "argo")), true)
	})
	a.Check("hooks run in their phases, waves wait for each other's health", func() error {
		var wrong []error
		stop := a.playing(ctx, func(object *unstructured.Unstructured) map[string]any {
			switch object.GetName() {
			case "before":
				wrong = append(wrong, a.Gone(ctx, settings))
				ran = string(object.GetUID())
			case "after":
				wrong = append(wrong, a.Expect(ctx, parcel, "Bonn", "spec", "to"))
			case "first":
				wrong = append(wrong, a.Expect(ctx, settings, "green", "data", "colour"))
			}
			return well(object)
		})
		o, err := a.synced(ctx, application, append(tenant.Copies(shop), before, after), sync.WithPrune(true))
		first = o
		return errors.Join(append(wrong, err, stop())...)
	})
	if first == nil {
		return
	}
	// The hook before is in the namespace, so the engine moves the Namespace from its wave -2 into the hook's phase and wave
	// (pkg/sync/sync_tasks.go, adjustDeps). The definition is before its objects already.
	a.Check("each wave is done once and in order", func() error {
		if order := strings.Join(first.waves, ", "); order != "PreSync 0, Sync -1, Sync 0, Sync 2, PostSync 0" {
			return errors.New(order)
		}
		return nil
	})
	a.Check("says what it waits for and what it did", func() error {
		all := strings.Join(first.messages, "\n")
		return errors.Join(
			tenant.Holds(all, "waiting for completion of hook batch/Job/before", "waiting for healthy state of", "waiting for completion of hook batch/Job/after"),
			tenant.Holds(first.of("ConfigMap", "settings").Message, "configmap/settings created"),
			tenant.Holds(first.of("CustomResourceDefinition", "parcels.argo.example.com").Message, "customresourcedefinition.apiextensions.k8s.io/parcels.argo.example.com created"),
			tenant.Holds(first.of("RoleBinding", "settings").Message, "rolebinding.rbac.authorization.k8s.io/settings reconciled"),
			tenant.Holds(first.of("Parcel", "first").Message, "delivered"),
		)
	})
	a.Check("hooks are deleted by their policies, without their finalizer", func() error {
		got, err := a.Live(ctx, before)
		if err != nil {
			return err
		}
		if len(got.GetFinalizers()) > 0 {
			return fmt.Errorf("finalizers are %v", got.GetFinalizers())
		}
		return errors.Join(a.cached(ctx, a.key(after), false), a.Gone(ctx, after))
	})
	a.Check("the kinds of the new definition are in the cache, with their schema", func() error {
		if tenant.Reference {
			// Its OpenAPI comes later than its events, and the cache asks once for each event.
			a.cache.Invalidate()
			if err := a.cache.EnsureSynced(); err != nil {
				return err
			}
		}
		return tenant.Eventually(ctx, func() error {
			if namespaced, err := a.cache.IsNamespaced(schema.GroupKind{Group: "argo.example.com", Kind: "Parcel"}); err != nil || !namespaced {
				return fmt.Errorf("namespaced %v, error %v", namespaced, err)
			}
			for _, kind := range []schema.GroupVersionKind{parcel.GroupVersionKind(), settings.GroupVersionKind(), {Group: "apps", Version: "v1", Kind: "Deployment"}} {
				if a.cache.GetGVKParser().Type(kind) == nil || a.cache.GetOpenAPISchema().LookupResource(kind) == nil {
					return fmt.Errorf("no schema of %s", kind)
				}
			}
			return nil
		})
	})
	a.Check("everything is healthy by the engine's rules", func() error {
		for _, each := range []string{"Deployment/front", "StatefulSet/store", "Job/import", "Ingress/front", "Service/front", "Parcel/first"} {
			kind, name, _ := strings.Cut(each, "/")
			got, err := a.Live(ctx, tenant.Find(shop, kind, name))
			if err != nil {
				return err
			}
			found, err := health.GetResourceHealth(got, parcels{})
			if err != nil {
				return err
			}
			if found == nil || found.Status != health.HealthStatusHealthy {
				return fmt.Errorf("%s is %v", each, found)
			}
		}
		return nil
	})
	a.Check("no difference after a synchronisation", func() error { return a.settled(ctx, application, shop) })
	a.Check("a second synchronisation writes nothing, and runs hooks anew", func() error {
		versions, err := a.Versions(ctx, shop)
		if err != nil {
			return err
		}
		stop := a.playing(ctx, func(object *unstructured.Unstructured) map[string]any {
			if object.GetName() != "before" {
				return nil
			}
			return well(object)
		})
		o, err := a.synced(ctx, application, append(tenant.Copies(shop), before))
		if err := errors.Join(err, stop()); err != nil {
			return err
		}
		for _, each := range []string{"ConfigMap/settings", "CustomResourceDefinition/parcels.argo.example.com"} {
			kind, name, _ := strings.Cut(each, "/")
			if result := o.of(kind, name); !strings.Contains(result.Message, "unchanged") {
				return fmt.Errorf("%s: %s", each, result.Message)
			}
		}
		if err := a.Unwritten(ctx, shop, versions); err != nil {
			return err
		}
		got, err := a.Live(ctx, before)
		if err == nil && string(got.GetUID()) == ran {
			err = errors.New("the hook is still the old one")
		}
		return err
	})
	a.Check("the engine's own loop finds nothing to do", func() error {
		whole := engine.NewEngine(a.Config, a.cache, engine.WithLogr(logr.Discard()), engine.WithKubectl(a.kubectl))
		plain := []*unstructured.Unstructured{settings, tenant.Find(shop, "ServiceAccount", "front"), tenant.Find(shop, "Service", "front")}
		results, err := whole.Sync(ctx, tracking(application, tenant.Copies(plain)), func(*cache.Resource) bool { return false }, "1", "argo", sync.WithLogr(logr.Discard()))
		if err != nil {
			return err
		}
		if len(results) != len(plain) {
			return fmt.Errorf("%d results", len(results))
		}
		for _, result := range results {
			if err := tenant.Holds(result.Message, "unchanged"); err != nil {
				return err
			}
		}
		return nil
	})
}

// differences checks what the engine finds to differ, by its own merge and by the server's dry run.
func (a *argo) differences(ctx context.Context) {
	shop := a.waved()
	settings, deployment, parcel := tenant.Find(shop, "ConfigMap", "settings"), tenant.Find(shop, "Deployment", "front"), tenant.Find(shop, "Parcel", "first")
	a.Check("drift is seen in the cache, and corrected", func() error {
		if err := errors.Join(
			a.Patch(ctx, settings, "other", `{"data":{"colour":"red"}}`), a.Patch(ctx, deployment, "kubectl-edit", `{"spec":{"replicas":9}}`),
			a.Patch(ctx, parcel, "other", `{"spec":{"weight":3,"to":"Rom"}}`),
		); err != nil {
			return err
		}
		for _, object := range []*unstructured.Unstructured{settings, deployment, parcel} {
			if err := tenant.Eventually(ctx, func() error {
				state, err := a.state(application, []*unstructured.Unstructured{object})
				if err != nil {
					return err
				}
				result, err := diff.Diff(state.Target[0], state.Live[0], diff.WithLogr(logr.Discard()))
				if err == nil && !result.Modified {
					err = fmt.Errorf("%s does not differ", object.GetName())
				}
				return err
			}); err != nil {
				return err
			}
		}
		stop := a.playing(ctx, func(object *unstructured.Unstructured) map[string]any { return well(object) })
		_, err := a.synced(ctx, application, shop)
		return errors.Join(err, stop(), a.settled(ctx, application, shop),
			a.Expect(ctx, settings, "green", "data", "colour"), a.Expect(ctx, deployment, "2", "spec", "replicas"),
			a.Expect(ctx, parcel, "Bonn", "spec", "to"), a.Expect(ctx, parcel, "3", "spec", "weight"))
	})
	applier, cleanup, err := kube.ManageServerSideDiffDryRuns(a.Config, a.cache.GetOpenAPISchema(), tracing.NopTracer{}, logr.Discard(), nil)
	if err != nil {
		checks.Report(a.Name+" argo: dry runs", err)
		return
	}
	defer cleanup()
	dry := func(manager string) []diff.Option {
		return []diff.Option{
			diff.WithServerSideDiff(true), diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier)), diff.WithManager(manager),
			diff.WithGVKParser(a.cache.GetGVKParser()),
		}
	}
	a.Check("the server's dry run shows no difference either", func() error {
		return a.settled(ctx, application, tenant.Without(shop, "Namespace", "none"), dry(argoField)...)
	})
	a.Check("the server's dry run shows a change with its defaults, and writes nothing", func() error {
		versions, err := a.Versions(ctx, shop)
		if err != nil {
			return err
		}
		changed := parcel.DeepCopy()
		_ = unstructured.SetNestedSlice(changed.Object, []any{map[string]any{"name": "spoons"}}, "spec", "items")
		state, err := a.state(application, []*unstructured.Unstructured{changed})
		if err != nil {
			return err
		}
		result, err := diff.Diff(state.Target[0], state.Live[0], dry(argoField)...)
		if err != nil {
			return err
		}
		if !result.Modified {
			return errors.New("no difference")
		}
		if err := a.Unwritten(ctx, shop, versions); err != nil {
			return err
		}
		return tenant.Holds(string(result.PredictedLive), `"name":"spoons"`, `"count":1`)
	})
	a.Check("the server's dry run says what is wrong", func() error {
		changed := parcel.DeepCopy()
		_ = unstructured.SetNestedField(changed.Object, int64(99), "spec", "weight")
		state, err := a.state(application, []*unstructured.Unstructured{changed})
		if err != nil {
			return err
		}
		_, err = diff.Diff(state.Target[0], state.Live[0], dry(argoField)...)
		return tenant.Said(err, "error running server side apply in dryrun mode for resource Parcel/first", "spec.weight in body should be less than or equal to 30")
	})
}

// pruning checks what is done about objects that left the manifests.
func (a *argo) pruning(ctx context.Context) {
	kept, last, goes := a.ConfigMap("kept"), a.ConfigMap("last"), a.ConfigMap("goes")
	annotated(kept, "sync-options", "Prune=false")
	annotated(last, "sync-options", "PruneLast=true")
	all := []*unstructured.Unstructured{kept, last, goes}
	present := func() error {
		return errors.Join(a.cached(ctx, a.key(kept), true), a.cached(ctx, a.key(last), true), a.cached(ctx, a.key(goes), true))
	}
	a.Check("what left the manifests stays where pruning was not asked for", func() error {
		if _, err := a.synced(ctx, "prunes", all); err != nil {
			return err
		}
		if err := present(); err != nil {
			return err
		}
		o, err := a.synced(ctx, "prunes", nil)
		if err != nil {
			return err
		}
		result := o.of("ConfigMap", "goes")
		if result.Status != common.ResultCodePruneSkipped {
			return fmt.Errorf("%s: %s", result.Status, result.Message)
		}
		_, err = a.Live(ctx, goes)
		return errors.Join(err, tenant.Holds(result.Message, "ignored (requires pruning)"))
	})
	a.Check("pruning in order: first, last, never", func() error {
		more := annotated(a.ConfigMap("more"), "sync-wave", "3")
		o, err := a.synced(ctx, "prunes", []*unstructured.Unstructured{more}, sync.WithPrune(true))
		if err != nil {
			return err
		}
		if order := strings.Join(o.waves, ", "); order != "Sync 0, Sync 3, Sync 4" {
			return errors.New(order)
		}
		if err := errors.Join(
			tenant.Holds(o.of("ConfigMap", "goes").Message, "pruned"), tenant.Holds(o.of("ConfigMap", "last").Message, "pruned"),
			tenant.Holds(o.of("ConfigMap", "kept").Message, "ignored (no prune)"),
			a.cached(ctx, a.key(goes), false), a.cached(ctx, a.key(last), false), a.cached(ctx, a.key(more), true),
		); err != nil {
			return err
		}
		if at := []int{a.happened("-ConfigMap/goes"), a.happened("+ConfigMap/more"), a.happened("-ConfigMap/last")}; !slices.IsSorted(at) || at[0] < 0 {
			return fmt.Errorf("events came as %v", at)
		}
		_, err = a.Live(ctx, kept)
		return err
	})
	a.Check("a copy of another's object is not pruned", func() error {
		one := a.ConfigMap("original")
		if _, err := a.synced(ctx, "originals", []*unstructured.Unstructured{one}); err != nil {
			return err
		}
		got, err := a.Live(ctx, one)
		if err != nil {
			return err
		}
		twin := a.ConfigMap("twin")
		twin.SetAnnotations(map[string]string{trackingID: got.GetAnnotations()[trackingID]})
		if err := a.Client.Create(ctx, twin.DeepCopy()); err != nil {
			return err
		}
		if err := errors.Join(a.cached(ctx, a.key(twin), true), a.cached(ctx, a.key(one), true)); err != nil {
			return err
		}
		if _, err := a.synced(ctx, "originals", nil, sync.WithPrune(true)); err != nil {
			return err
		}
		_, err = a.Live(ctx, twin)
		return errors.Join(err, a.cached(ctx, a.key(one), false), a.Client.Delete(ctx, twin))
	})
}
