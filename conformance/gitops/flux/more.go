package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"conformance/gitops/tenant"
)

// ignored lets an autoscaler apply the replicas of a Deployment that the tool applies with another number.
func (f *flux) ignored(ctx context.Context) error {
	objects := f.shop()
	deployment := tenant.Find(objects, "Deployment", "front")
	scaled := f.One("apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: front, namespace: APP }\nspec: { replicas: 7 }\n")
	scaled.SetLabels(nil)
	if err := f.Client.Patch(ctx, scaled, client.Apply, client.ForceOwnership, client.FieldOwner("autoscaler")); err != nil {
		return err
	}
	options := f.options()
	options.DriftIgnoreRules = []jsondiff.IgnoreRule{{
		Paths: []string{"/spec/replicas"}, Selector: &jsondiff.Selector{Kind: "Deployment"},
	}}
	if err := f.applyWith(ctx, objects, options, nil); err != nil {
		return err
	}
	_ = unstructured.SetNestedField(deployment.Object, int64(30), "spec", "minReadySeconds")
	configured := map[string]ssa.Action{"Deployment/flux/front": ssa.ConfiguredAction}
	if err := f.applyWith(ctx, objects, options, configured); err != nil {
		return err
	}
	if err := errors.Join(
		f.Expect(ctx, deployment, "7", "spec", "replicas"), f.Expect(ctx, deployment, "30", "spec", "minReadySeconds"),
	); err != nil {
		return err
	}
	// Without the rule the tool takes it back.
	return errors.Join(f.apply(ctx, f.shop(), configured), f.Expect(ctx, deployment, "2", "spec", "replicas"))
}

// recreated fails unless applying object is refused with the parts, and makes a new one where its annotation says so.
func (f *flux) recreated(ctx context.Context, object *unstructured.Unstructured, parts ...string) error {
	before, err := f.Live(ctx, object)
	if err != nil {
		return err
	}
	_, err = f.manager.ApplyAll(ctx, []*unstructured.Unstructured{object.DeepCopy()}, f.options())
	if err := tenant.Said(err, parts...); err != nil {
		return err
	}
	forced := object.DeepCopy()
	forced.SetAnnotations(map[string]string{fluxGroup + "/force": "enabled"})
	if _, err := f.manager.ApplyAll(ctx, []*unstructured.Unstructured{forced}, f.options()); err != nil {
		return err
	}
	after, err := f.Live(ctx, object)
	if err == nil && after.GetUID() == before.GetUID() {
		err = errors.New("it is the same object")
	}
	return err
}

// annotations checks what the annotations of single objects ask for.
func (f *flux) annotations(ctx context.Context) {
	f.Check("an immutable secret is refused, and made anew by force", func() error {
		secret := f.One("apiVersion: v1\nkind: Secret\nmetadata: { name: fixed, namespace: APP }\nimmutable: true\ndata: { a: YQ== }\n")
		if _, err := f.manager.Apply(ctx, secret.DeepCopy(), f.options()); err != nil {
			return err
		}
		secret.Object["data"] = map[string]any{"a": "Yg=="}
		return f.recreated(ctx, secret, "Secret/flux/fixed dry-run failed (Invalid)", "data: Forbidden: field is immutable when `immutable` is set")
	})
	f.Check("a job's template is refused, and made anew by force", func() error {
		changed := tenant.Find(f.shop(), "Job", "import")
		containers := []any{map[string]any{"name": "import", "image": "shop.example.com/import:2.0.0"}}
		_ = unstructured.SetNestedSlice(changed.Object, containers, "spec", "template", "spec", "containers")
		return f.recreated(ctx, changed, "Job/flux/import dry-run failed (Invalid)", "spec.template: Invalid value", "field is immutable")
	})
	f.Check("a binding's role is refused, and made anew by force", func() error {
		changed := tenant.Find(f.shop(), "RoleBinding", "settings")
		_ = unstructured.SetNestedField(changed.Object, "other", "roleRef", "name")
		return f.recreated(ctx, changed, "RoleBinding/flux/settings dry-run failed (Invalid)", "roleRef: Invalid value", "cannot change roleRef")
	})
	f.Check("a stateful set's service is refused, and made anew by force", func() error {
		changed := tenant.Find(f.shop(), "StatefulSet", "store")
		_ = unstructured.SetNestedField(changed.Object, "other", "spec", "serviceName")
		return f.recreated(ctx, changed, "StatefulSet/flux/store dry-run failed (Invalid)", "spec: Forbidden: updates to statefulset spec for fields other than")
	})
	f.Check("an object that says Ignore is skipped", func() error {
		object := f.ConfigMap("hands-off", "a", "1")
		one := []*unstructured.Unstructured{object}
		if err := f.apply(ctx, one, map[string]ssa.Action{"ConfigMap/flux/hands-off": ssa.CreatedAction}); err != nil {
			return err
		}
		if err := f.Patch(ctx, object, "other", `{"metadata":{"annotations":{"`+fluxGroup+`/ssa":"Ignore"}},"data":{"a":"2"}}`); err != nil {
			return err
		}
		skipped := map[string]ssa.Action{"ConfigMap/flux/hands-off": ssa.SkippedAction}
		return errors.Join(f.apply(ctx, one, skipped), f.Expect(ctx, object, "2", "data", "a"))
	})
	f.Check("an object that says IfNotPresent is made once", func() error {
		object := f.ConfigMap("once", "a", "1")
		object.SetAnnotations(map[string]string{fluxGroup + "/ssa": "IfNotPresent"})
		one := []*unstructured.Unstructured{object}
		if err := f.apply(ctx, one, map[string]ssa.Action{"ConfigMap/flux/once": ssa.CreatedAction}); err != nil {
			return err
		}
		object.Object["data"] = map[string]any{"a": "2"}
		skipped := map[string]ssa.Action{"ConfigMap/flux/once": ssa.SkippedAction}
		return errors.Join(f.apply(ctx, one, skipped), f.Expect(ctx, object, "1", "data", "a"))
	})
}

// clientSide makes a config map as kubectl apply and kubectl edit leave it.
func (f *flux) clientSide(ctx context.Context, name string, annotations map[string]string) error {
	object := f.ConfigMap(name, "kept", "1", "left", "2")
	annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
	object.SetAnnotations(annotations)
	if err := f.Client.Create(ctx, object, client.FieldOwner("kubectl-client-side-apply")); err != nil {
		return err
	}
	return f.Patch(ctx, object, "kubectl-edit", `{"data":{"left":"3"}}`)
}

// takeover checks what is done about those who wrote before.
func (f *flux) takeover(ctx context.Context) {
	f.Check("fields of kubectl are taken over, what the manifest lacks goes", func() error {
		if err := f.clientSide(ctx, "by-hand", map[string]string{}); err != nil {
			return err
		}
		wanted := f.ConfigMap("by-hand", "kept", "1")
		if err := f.apply(ctx, []*unstructured.Unstructured{wanted}, map[string]ssa.Action{"ConfigMap/flux/by-hand": ssa.ConfiguredAction}); err != nil {
			return err
		}
		got, err := f.Live(ctx, wanted)
		if err != nil {
			return err
		}
		_, applied := got.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"]
		if tenant.Managers(got) != fluxField+"/Apply" || tenant.Text(got, "data") != "map[kept:1]" || applied {
			return fmt.Errorf("managers %s, data %s, annotations %v", tenant.Managers(got), tenant.Text(got, "data"), got.GetAnnotations())
		}
		return nil
	})
	f.Check("an object that says Merge keeps what others wrote", func() error {
		merge := map[string]string{fluxGroup + "/ssa": "Merge"}
		if err := f.clientSide(ctx, "merged", map[string]string{}); err != nil {
			return err
		}
		wanted := f.ConfigMap("merged", "kept", "1")
		wanted.SetAnnotations(merge)
		if err := f.apply(ctx, []*unstructured.Unstructured{wanted}, map[string]ssa.Action{"ConfigMap/flux/merged": ssa.ConfiguredAction}); err != nil {
			return err
		}
		got, err := f.Live(ctx, wanted)
		if err != nil {
			return err
		}
		if err := tenant.Holds(tenant.Managers(got), fluxField+"/Apply", "kubectl-client-side-apply/Update", "kubectl-edit/Update"); err != nil {
			return err
		}
		return f.Expect(ctx, wanted, "map[kept:1 left:3]", "data")
	})
	f.Check("what somebody else owns of an item that the tool gives up makes its dry run invalid", func() error {
		deployment := tenant.Find(f.shop(), "Deployment", "front")
		deployment.SetName("legacy")
		unstructured.RemoveNestedField(deployment.Object, "metadata", "labels")
		two := deployment.DeepCopy()
		containers, _, _ := unstructured.NestedSlice(two.Object, "spec", "template", "spec", "containers")
		containers = append(containers, map[string]any{"name": "side", "image": "shop.example.com/side:1.0.0"})
		_ = unstructured.SetNestedSlice(two.Object, containers, "spec", "template", "spec", "containers")
		one := []*unstructured.Unstructured{deployment}
		if err := f.apply(ctx, []*unstructured.Unstructured{two}, map[string]ssa.Action{"Deployment/flux/legacy": ssa.CreatedAction}); err != nil {
			return err
		}
		// Somebody else owns but a part of the second container: without its image the object is invalid.
		part := f.One("apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: legacy, namespace: APP }\n" +
			"spec: { template: { spec: { containers: [{ name: side, env: [{ name: A, value: b }] }] } } }\n")
		part.SetLabels(nil)
		if err := f.Client.Patch(ctx, part, client.Apply, client.FieldOwner("legacy-tool")); err != nil {
			return err
		}
		_, err := f.manager.ApplyAll(ctx, tenant.Copies(one), f.options())
		return tenant.Said(err, "Deployment/flux/legacy dry-run failed (Invalid)", "spec.template.spec.containers[1].image: Required value")
	})
}

// waiting checks the tool's waits: nothing becomes ready before a controller says so.
func (f *flux) waiting(ctx context.Context) {
	objects := f.shop()
	some := func(kinds ...string) []*unstructured.Unstructured {
		return slices.DeleteFunc(slices.Clone(objects), func(each *unstructured.Unstructured) bool {
			return !slices.Contains(kinds, each.GetKind())
		})
	}
	short := ssa.WaitOptions{Interval: 50 * time.Millisecond, Timeout: 5 * time.Second}
	long := ssa.WaitOptions{Interval: 50 * time.Millisecond, Timeout: tenant.Patience, FailFast: true}
	// This one lists and caches, as kstatus does by itself.
	caching := ssa.NewResourceManager(f.Client, polling.NewStatusPoller(f.Client, f.Client.RESTMapper(), polling.Options{}), ssa.Owner{})
	f.Check("waiting for what has no status ends at once", func() error {
		return f.manager.Wait(some("ConfigMap", "Secret", "Namespace", "CustomResourceDefinition", "ClusterRole", "Role", "RoleBinding", "Service", "Ingress"), long)
	})
	f.Check("waiting for workloads that nothing runs ends with what is late", func() error {
		err := f.manager.Wait(some("Deployment", "StatefulSet"), short)
		return tenant.Said(err, "timeout waiting for: [", "Deployment/flux/front status: 'InProgress'", "StatefulSet/flux/store status: 'InProgress'")
	})
	f.Check("waiting ends when the controllers have said that all is ready", func() error {
		ended := make(chan error, 2)
		go func() { ended <- f.manager.Wait(some("Deployment", "StatefulSet", "Job", "Parcel"), long) }()
		go func() { ended <- caching.Wait(some("Deployment", "StatefulSet", "Job", "Parcel"), long) }()
		deployment := tenant.Conditions("Available", "Progressing")
		deployment["conditions"].([]any)[1].(map[string]any)["reason"] = "NewReplicaSetAvailable"
		for _, each := range []string{"replicas", "readyReplicas", "availableReplicas", "updatedReplicas"} {
			deployment[each] = 2
		}
		if err := errors.Join(
			f.Status(ctx, tenant.Find(objects, "Deployment", "front"), deployment),
			f.Status(ctx, tenant.Find(objects, "StatefulSet", "store"), map[string]any{
				"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1,
				"currentRevision": "store-1", "updateRevision": "store-1",
			}),
			f.Status(ctx, tenant.Find(objects, "Job", "import"), tenant.Job("Complete")),
			f.Status(ctx, tenant.Find(objects, "Parcel", "first"), tenant.Conditions("Ready")),
		); err != nil {
			return err
		}
		return errors.Join(<-ended, <-ended)
	})
	f.Check("waiting ends early when a job has failed", func() error {
		failing := tenant.Find(f.shop(), "Job", "import")
		failing.SetName("failing")
		if _, err := f.manager.Apply(ctx, failing.DeepCopy(), f.options()); err != nil {
			return err
		}
		if err := f.Status(ctx, failing, tenant.Job("Failed")); err != nil {
			return err
		}
		return tenant.Said(f.manager.Wait([]*unstructured.Unstructured{failing}, long), "failed early due to stalled resources: [Job/flux/failing status: 'Failed'")
	})
	f.Check("the status is not the applier's, and no drift", func() error {
		if _, _, err := f.diff(ctx, tenant.Find(objects, "Deployment", "front"), ssa.UnchangedAction); err != nil {
			return err
		}
		got, err := f.Live(ctx, tenant.Find(objects, "Deployment", "front"))
		if err != nil {
			return err
		}
		for _, entry := range got.GetManagedFields() {
			if entry.Manager == fluxField && strings.Contains(string(entry.FieldsV1.Raw), "f:status") {
				return fmt.Errorf("the applier has %s", entry.FieldsV1.Raw)
			}
		}
		return nil
	})
}
