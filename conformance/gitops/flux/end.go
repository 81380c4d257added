package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"conformance/gitops/tenant"
)

// refused fails unless applying the text is refused with the parts.
func (f *flux) refused(ctx context.Context, manifest string, parts ...string) error {
	_, err := f.manager.ApplyAllStaged(ctx, f.Parse(manifest), f.options())
	return tenant.Said(err, parts...)
}

// refusals checks what the tool tells its user of manifests that cannot be applied.
func (f *flux) refusals(ctx context.Context) {
	for _, each := range []struct {
		what     string
		manifest string
		parts    []string
	}{
		{
			"a field that the kind does not have",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad, namespace: APP }\ndate: { a: b }\n",
			[]string{"ConfigMap/flux/bad dry-run failed", "failed to create typed patch object (flux/bad; /v1, Kind=ConfigMap)", ".date: field not declared in schema"},
		},
		{
			"a value of another type",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: bad, namespace: APP }\nspec: { replicas: many }\n",
			[]string{"Deployment/flux/bad dry-run failed", ".spec.replicas: expected numeric (int or float), got string"},
		},
		{
			"required parts are missing",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: bad, namespace: APP }\nspec: { replicas: 1 }\n",
			[]string{"Deployment/flux/bad dry-run failed (Invalid)", "spec.selector: Required value", "spec.template.spec.containers: Required value"},
		},
		{
			"a bad name",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Bad_Name, namespace: APP }\n",
			[]string{"ConfigMap/flux/Bad_Name dry-run failed (Invalid)", `metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of`},
		},
		{
			"a namespace that is not there",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad, namespace: nowhere }\n",
			[]string{`ConfigMap/nowhere/bad not found: namespaces "nowhere" not found`},
		},
		{
			"a namespace that is not said",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad }\n",
			[]string{"ConfigMap/bad namespace not specified: the server could not find the requested resource"},
		},
		{
			"an unknown kind",
			"apiVersion: APP.example.com/v1\nkind: Letter\nmetadata: { name: bad, namespace: APP }\n",
			[]string{`Letter/flux/bad dry-run failed`, `no matches for kind "Letter" in version "flux.example.com/v1"`},
		},
		{
			"a custom object that breaks its schema and its rule",
			"apiVersion: APP.example.com/v1\nkind: Parcel\nmetadata: { name: bad, namespace: APP }\nspec: { to: Ulm, from: Ulm, weight: 99 }\n",
			[]string{"Parcel/flux/bad dry-run failed (Invalid)", `Parcel.flux.example.com "bad" is invalid`, "spec.weight: Invalid value: 99: spec.weight in body should be less than or equal to 30"},
		},
		{
			"a custom object that breaks its rule",
			"apiVersion: APP.example.com/v1\nkind: Parcel\nmetadata: { name: bad, namespace: APP }\nspec: { to: Ulm, from: Ulm }\n",
			[]string{"Parcel/flux/bad dry-run failed (Invalid)", "spec: Invalid value:", "a parcel does not go to where it comes from"},
		},
		{
			"a definition that is no structural schema",
			"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: letters.APP.example.com }\nspec: { group: APP.example.com, " +
				"scope: Namespaced, names: { plural: letters, kind: Letter }, versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { properties: { a: {} } } } }] }\n",
			[]string{"CustomResourceDefinition/letters.flux.example.com dry-run failed (Invalid)", "openAPIV3Schema.type: Required value: must not be empty at the root"},
		},
		{
			"a stale resource version",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: APP, resourceVersion: '1' }\n",
			[]string{"ConfigMap/flux/settings dry-run failed (Conflict)", `Operation cannot be fulfilled on configmaps "settings": the object has been modified`},
		},
	} {
		f.Check("refused: "+each.what, func() error { return f.refused(ctx, each.manifest, each.parts...) })
	}
	f.Check("refused: by an admission policy", func() error {
		if err := f.apply(ctx, f.Read("policy.yaml"), map[string]ssa.Action{
			"ValidatingAdmissionPolicy/flux-no-secrets": ssa.CreatedAction, "ValidatingAdmissionPolicyBinding/flux-no-secrets": ssa.CreatedAction,
		}); err != nil {
			return err
		}
		err := tenant.Eventually(ctx, func() error {
			return f.refused(ctx, "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad, namespace: APP }\ndata: { password: b }\n",
				`configmaps "bad" is forbidden: ValidatingAdmissionPolicy 'flux-no-secrets' with binding 'flux-no-secrets' denied request: config map bad holds a password`)
		})
		_, gone := f.manager.DeleteAll(ctx, f.Read("policy.yaml"), ssa.DefaultDeleteOptions())
		return errors.Join(err, gone)
	})
	f.Check("nothing of a refused set is applied", func() error {
		good := f.ConfigMap("good", "a", "b")
		_, err := f.manager.ApplyAll(ctx, []*unstructured.Unstructured{good.DeepCopy(), f.ConfigMap("Bad_Name")}, f.options())
		return errors.Join(tenant.Said(err, "ConfigMap/flux/Bad_Name dry-run failed"), f.Gone(ctx, good))
	})
}

// migration gives the definition a second version with a new default, which is what the tool's option is for.
func (f *flux) migration(ctx context.Context) {
	objects := f.shop()
	parcel := f.One("apiVersion: APP.example.com/v1\nkind: Parcel\nmetadata: { name: moved, namespace: APP }\nspec: { to: Kiel }\n")
	definition := tenant.Find(objects, "CustomResourceDefinition", "parcels.flux.example.com")
	newer := parcel.DeepCopy()
	newer.SetAPIVersion("flux.example.com/v2")
	one := []*unstructured.Unstructured{newer}
	configured := map[string]ssa.Action{"Parcel/flux/moved": ssa.ConfiguredAction}
	f.Check("an object of the old version is there in the new one", func() error {
		if err := f.apply(ctx, []*unstructured.Unstructured{parcel}, map[string]ssa.Action{"Parcel/flux/moved": ssa.CreatedAction}); err != nil {
			return err
		}
		wider := definition.DeepCopy()
		versions, _, _ := unstructured.NestedSlice(wider.Object, "spec", "versions")
		second := (&unstructured.Unstructured{Object: versions[0].(map[string]any)}).DeepCopy()
		second.Object["name"] = "v2"
		_ = unstructured.SetNestedField(second.Object, map[string]any{"type": "string", "default": "none"},
			"schema", "openAPIV3Schema", "properties", "spec", "properties", "insurance")
		versions[0].(map[string]any)["storage"] = false
		_ = unstructured.SetNestedSlice(wider.Object, append([]any{second.Object}, versions...), "spec", "versions")
		if err := f.apply(ctx, []*unstructured.Unstructured{wider}, map[string]ssa.Action{
			"CustomResourceDefinition/parcels.flux.example.com": ssa.ConfiguredAction,
		}); err != nil {
			return err
		}
		// Somebody applies it in the new version, so that it has the new default. (An update would do, too, but that makes
		// kube-apiserver forget all managed fields.)
		moved := f.One("apiVersion: APP.example.com/v2\nkind: Parcel\nmetadata: { name: moved, namespace: APP, annotations: { example.com/moved: 'yes' } }\n")
		if err := tenant.Eventually(ctx, func() error {
			return f.Client.Patch(ctx, moved.DeepCopy(), client.Apply, client.FieldOwner("storage-migrator"), client.ForceOwnership)
		}); err != nil {
			return err
		}
		return f.Expect(ctx, newer, "none", "spec", "insurance")
	})
	f.Check("managed fields of the old version do not know a field of the new one", func() error {
		_, err := f.manager.ApplyAll(ctx, tenant.Copies(one), f.options())
		if tenant.Reference {
			return tenant.Said(err, "Parcel/flux/moved dry-run failed", ".spec.insurance: field not declared in schema")
		}
		return err
	})
	f.Check("with the migration of managed fields it is applied", func() error {
		options := f.options()
		options.MigrateAPIVersion = true
		if err := f.applyWith(ctx, one, options, configured); err != nil {
			return err
		}
		got, err := f.Live(ctx, newer)
		if err != nil {
			return err
		}
		for _, entry := range got.GetManagedFields() {
			if entry.APIVersion != "flux.example.com/v2" {
				return fmt.Errorf("an entry is at %s", entry.APIVersion)
			}
		}
		return errors.Join(f.apply(ctx, one, nil), f.Expect(ctx, newer, "none", "spec", "insurance"))
	})
}

// collection checks what is done about objects that left the repository.
func (f *flux) collection(ctx context.Context) {
	options := ssa.DefaultDeleteOptions()
	options.Inclusions = f.manager.GetOwnerLabels("extra", "flux-system")
	options.Exclusions = map[string]string{fluxGroup + "/prune": "disabled", fluxGroup + "/reconcile": "disabled"}
	wait := ssa.WaitOptions{Interval: 50 * time.Millisecond, Timeout: tenant.Patience}
	first := []*unstructured.Unstructured{f.ConfigMap("stays"), f.ConfigMap("goes"), f.ConfigMap("protected"), f.ConfigMap("taken")}
	f.manager.SetOwnerLabels(first, "extra", "flux-system")
	first[2].SetAnnotations(map[string]string{fluxGroup + "/prune": "Disabled"})
	f.Check("what left the inventory is deleted, but what is protected or another's", func() error {
		old, err := f.manager.ApplyAll(ctx, tenant.Copies(first), f.options())
		if err != nil {
			return err
		}
		if err := f.Patch(ctx, first[3], "other", `{"metadata":{"labels":{"`+fluxGroup+`/name":"another"}}}`); err != nil {
			return err
		}
		now, err := f.manager.ApplyAll(ctx, tenant.Copies(first[:1]), f.options())
		if err != nil {
			return err
		}
		var stale []*unstructured.Unstructured
		for _, each := range old.ToObjMetadataSet().Diff(now.ToObjMetadataSet()) {
			entry := &unstructured.Unstructured{}
			entry.SetAPIVersion("v1")
			entry.SetKind(each.GroupKind.Kind)
			entry.SetNamespace(each.Namespace)
			entry.SetName(each.Name)
			stale = append(stale, entry)
		}
		deleted, err := f.manager.DeleteAll(ctx, stale, options)
		if err != nil {
			return err
		}
		if err := f.manager.WaitForSetTermination(deleted, wait); err != nil {
			return err
		}
		if found := fmt.Sprint(deleted.ToMap()); found != "map[ConfigMap/flux/goes:deleted ConfigMap/flux/protected:skipped ConfigMap/flux/taken:skipped]" {
			return errors.New(found)
		}
		_, err = f.Versions(ctx, []*unstructured.Unstructured{first[0], first[2], first[3]})
		return errors.Join(err, f.Gone(ctx, first[1]))
	})
	f.Check("the end of what a finalizer holds is waited for", func() error {
		held := f.ConfigMap("held")
		held.SetFinalizers([]string{"example.com/hold"})
		one := []*unstructured.Unstructured{held}
		f.manager.SetOwnerLabels(one, "extra", "flux-system")
		if _, err := f.manager.ApplyAll(ctx, tenant.Copies(one), f.options()); err != nil {
			return err
		}
		deleted, err := f.manager.DeleteAll(ctx, tenant.Copies(one), options)
		if err != nil {
			return err
		}
		short := ssa.WaitOptions{Interval: 50 * time.Millisecond, Timeout: 300 * time.Millisecond}
		if err := tenant.Said(f.manager.WaitForSetTermination(deleted, short), "ConfigMap/flux/held termination timeout"); err != nil {
			return err
		}
		if err := f.Patch(ctx, held, "other", `{"metadata":{"finalizers":null}}`); err != nil {
			return err
		}
		return f.manager.WaitForSetTermination(deleted, wait)
	})
	f.Check("what depends on a deleted object goes with it", func() error {
		owner, child := f.ConfigMap("owner"), f.ConfigMap("child")
		if _, err := f.manager.ApplyAll(ctx, []*unstructured.Unstructured{owner.DeepCopy()}, f.options()); err != nil {
			return err
		}
		got, err := f.Live(ctx, owner)
		if err != nil {
			return err
		}
		child.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: got.GetUID()}})
		if err := f.Client.Create(ctx, child.DeepCopy()); err != nil {
			return err
		}
		if _, err := f.manager.Delete(ctx, owner, ssa.DefaultDeleteOptions()); err != nil {
			return err
		}
		if !tenant.ControllersRun {
			return f.Client.Delete(ctx, child)
		}
		return f.manager.WaitForTermination([]*unstructured.Unstructured{child}, wait)
	})
}

func (f *flux) uninstall(ctx context.Context) error {
	objects := f.shop()
	deleted, err := f.manager.DeleteAll(ctx, tenant.Copies(objects), ssa.DefaultDeleteOptions())
	if err != nil {
		return err
	}
	if first, last := deleted.Entries[0].Subject, deleted.Entries[len(deleted.Entries)-1].Subject; strings.HasPrefix(first, "CustomResourceDefinition") ||
		!strings.HasPrefix(last, "CustomResourceDefinition") {
		return fmt.Errorf("first went %s, last %s", first, last)
	}
	var set object.ObjMetadataSet
	for _, entry := range deleted.Entries {
		set = append(set, entry.ObjMetadata)
	}
	if len(set) != len(objects) {
		return fmt.Errorf("%d of %d", len(set), len(objects))
	}
	waited := objects
	if !tenant.ControllersRun {
		waited = tenant.Without(objects, "Namespace", "flux")
	}
	return f.manager.WaitForTermination(waited, ssa.WaitOptions{Interval: 50 * time.Millisecond, Timeout: tenant.Patience})
}
