package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/clusterreader"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"conformance/gitops/tenant"
)

// fluxGroup is the prefix of the annotations and labels of Flux's kustomize-controller.
const fluxGroup = "kustomize.toolkit.fluxcd.io"

// fluxField is the name under which that controller applies.
const fluxField = "kustomize-controller"

// flux is the manager of resources of Flux, set up as its kustomize-controller does.
type flux struct {
	*tenant.Tenant
	manager *ssa.ResourceManager
}

func runFlux(ctx context.Context, t *tenant.Tenant) {
	direct := polling.Options{ClusterReaderFactory: engine.ClusterReaderFactoryFunc(clusterreader.NewDirectClusterReader)}
	poller := polling.NewStatusPoller(t.Client, t.Client.RESTMapper(), direct)
	f := &flux{t, ssa.NewResourceManager(t.Client, poller, ssa.Owner{Field: fluxField, Group: fluxGroup})}
	f.manager.SetConcurrency(4)
	if !f.Check("applies definitions first, then the rest", func() error { return f.install(ctx) }) {
		return
	}
	f.drift(ctx)
	f.annotations(ctx)
	f.takeover(ctx)
	f.waiting(ctx)
	f.refusals(ctx)
	f.migration(ctx)
	f.collection(ctx)
	f.Check("no object of another workspace is seen", func() error {
		return errors.Join(t.OnlyOurs(ctx, "", "v1", "ConfigMap"), t.OnlyOurs(ctx, "flux.example.com", "v1", "Parcel"))
	})
	f.Check("uninstalls in reverse order", func() error { return f.uninstall(ctx) })
}

// options are those of the kustomize-controller.
func (f *flux) options() ssa.ApplyOptions {
	options := ssa.DefaultApplyOptions()
	options.WaitInterval, options.WaitTimeout = 100*time.Millisecond, tenant.Patience
	options.ExclusionSelector = map[string]string{fluxGroup + "/reconcile": "disabled", fluxGroup + "/ssa": "ignore"}
	options.IfNotPresentSelector = map[string]string{fluxGroup + "/ssa": "IfNotPresent"}
	options.ForceSelector = map[string]string{fluxGroup + "/force": "enabled"}
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: fluxField, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{fluxGroup + "/ssa": "Merge"},
	}
	return options
}

// shop is what the repository holds, as the controller hands it to the manager.
func (f *flux) shop() []*unstructured.Unstructured {
	objects := f.Read("shop.yaml")
	f.manager.SetOwnerLabels(objects, "shop", "flux-system")
	if err := normalize.UnstructuredList(objects); err != nil {
		panic(err)
	}
	return objects
}

// apply applies objects and fails unless each has the action that actions says; those it does not name are unchanged.
func (f *flux) apply(ctx context.Context, objects []*unstructured.Unstructured, actions map[string]ssa.Action) error {
	return f.applyWith(ctx, objects, f.options(), actions)
}

func (f *flux) applyWith(ctx context.Context, objects []*unstructured.Unstructured, options ssa.ApplyOptions, actions map[string]ssa.Action) error {
	changes, err := f.manager.ApplyAllStaged(ctx, tenant.Copies(objects), options)
	if err != nil {
		return err
	}
	rest := maps.Clone(actions)
	for subject, action := range changes.ToMap() {
		want, named := rest[subject]
		if !named {
			want = ssa.UnchangedAction
		}
		delete(rest, subject)
		if action != want {
			return fmt.Errorf("%s was %s, want %s", subject, action, want)
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("nothing was said of %v", rest)
	}
	return nil
}

// diff fails unless the dry run of object comes to action.
func (f *flux) diff(ctx context.Context, object *unstructured.Unstructured, action ssa.Action) (live, merged *unstructured.Unstructured, err error) {
	entry, live, merged, err := f.manager.Diff(ctx, object.DeepCopy(), ssa.DefaultDiffOptions())
	if err == nil && entry.Action != action {
		err = fmt.Errorf("%s is %s, want %s", entry.Subject, entry.Action, action)
	}
	return live, merged, err
}

func (f *flux) install(ctx context.Context) error {
	objects := f.shop()
	changes, err := f.manager.ApplyAllStaged(ctx, tenant.Copies(objects), f.options())
	if err != nil {
		return err
	}
	if len(changes.Entries) != len(objects) {
		return fmt.Errorf("%d changes for %d objects", len(changes.Entries), len(objects))
	}
	var kinds []string
	for _, entry := range changes.Entries {
		if entry.Action != ssa.CreatedAction {
			return fmt.Errorf("%s was %s", entry.Subject, entry.Action)
		}
		kinds = append(kinds, entry.ObjMetadata.GroupKind.Kind)
	}
	if order := strings.Join(kinds[:3], " "); order != "CustomResourceDefinition Namespace ClusterRole" {
		return fmt.Errorf("first were %s", order)
	}
	return nil
}

// drift checks what is found to have changed, and what is done about it.
func (f *flux) drift(ctx context.Context) {
	objects := f.shop()
	deployment, settings, secret := tenant.Find(objects, "Deployment", "front"), tenant.Find(objects, "ConfigMap", "settings"), tenant.Find(objects, "Secret", "key")
	parcel := tenant.Find(objects, "Parcel", "first")
	f.Check("the applier owns what it applied, defaults are nobody's", func() error {
		got, err := f.Live(ctx, parcel)
		if err != nil {
			return err
		}
		entries := got.GetManagedFields()
		if len(entries) != 1 || tenant.Managers(got) != fluxField+"/Apply" {
			return fmt.Errorf("managers are %s", tenant.Managers(got))
		}
		fields := string(entries[0].FieldsV1.Raw)
		if strings.Contains(fields, "f:priority") {
			return fmt.Errorf("fields are %s", fields)
		}
		if tenant.Text(got, "spec", "priority") != "normal" {
			return fmt.Errorf("spec is %v", got.Object["spec"])
		}
		return tenant.Holds(fields, `"f:to"`, `k:{\"name\":\"tea\"}`, `k:{\"name\":\"cups\"}`)
	})
	f.Check("what has not changed is left alone", func() error {
		before, err := f.Versions(ctx, objects)
		if err != nil {
			return err
		}
		if err := f.apply(ctx, objects, nil); err != nil {
			return err
		}
		return f.Unwritten(ctx, objects, before)
	})
	f.Check("no difference of any kind after an apply", func() error {
		for _, object := range objects {
			if _, _, err := f.diff(ctx, object, ssa.UnchangedAction); err != nil {
				return err
			}
		}
		return nil
	})
	f.Check("a difference shows what is and what would be, and writes nothing", func() error {
		before, err := f.Versions(ctx, objects)
		if err != nil {
			return err
		}
		changed := deployment.DeepCopy()
		_ = unstructured.SetNestedField(changed.Object, int64(5), "spec", "replicas")
		live, merged, err := f.diff(ctx, changed, ssa.ConfiguredAction)
		if err != nil {
			return err
		}
		if tenant.Text(live, "spec", "replicas") != "2" || tenant.Text(merged, "spec", "replicas") != "5" {
			return fmt.Errorf("replicas %s and %s", tenant.Text(live, "spec", "replicas"), tenant.Text(merged, "spec", "replicas"))
		}
		if tenant.Text(merged, "spec", "strategy", "type") != "RollingUpdate" {
			return fmt.Errorf("no defaults in %v", merged.Object["spec"])
		}
		return f.Unwritten(ctx, objects, before)
	})
	f.Check("a difference of a secret is masked", func() error {
		changed := secret.DeepCopy()
		changed.Object["data"] = map[string]any{"token": "b3RoZXI="}
		live, merged, err := f.diff(ctx, changed, ssa.ConfiguredAction)
		if err != nil {
			return err
		}
		return tenant.Holds(tenant.Text(live, "data", "token")+" "+tenant.Text(merged, "data", "token"), "*** (before)", "*** (after)")
	})
	f.Check("a difference of an object that is not there is its creation", func() error {
		absent := f.ConfigMap("absent", "a", "b")
		if _, _, err := f.diff(ctx, absent, ssa.CreatedAction); err != nil {
			return err
		}
		return f.Gone(ctx, absent)
	})
	f.Check("drift is corrected, and only that is written", func() error {
		if err := errors.Join(
			f.Patch(ctx, deployment, "kubectl-edit", `{"spec":{"replicas":9}}`),
			f.Patch(ctx, settings, "other", `{"data":{"colour":"red"}}`),
		); err != nil {
			return err
		}
		if err := f.apply(ctx, objects, map[string]ssa.Action{
			"Deployment/flux/front": ssa.ConfiguredAction, "ConfigMap/flux/settings": ssa.ConfiguredAction,
		}); err != nil {
			return err
		}
		return errors.Join(f.Expect(ctx, deployment, "2", "spec", "replicas"), f.Expect(ctx, settings, "green", "data", "colour"))
	})
	f.Check("the loser of a field keeps its others", func() error {
		if err := f.Patch(ctx, settings, "other", `{"data":{"colour":"blue","shape":"round"},"metadata":{"labels":{"other":"yes"}}}`); err != nil {
			return err
		}
		if err := f.apply(ctx, objects, map[string]ssa.Action{"ConfigMap/flux/settings": ssa.ConfiguredAction}); err != nil {
			return err
		}
		got, err := f.Live(ctx, settings)
		if err != nil {
			return err
		}
		for _, entry := range got.GetManagedFields() {
			if fields := string(entry.FieldsV1.Raw); entry.Manager == "other" && (strings.Contains(fields, "colour") || !strings.Contains(fields, "f:shape")) {
				return fmt.Errorf("the other manager has %s", fields)
			}
		}
		return errors.Join(f.Expect(ctx, settings, "green", "data", "colour"), f.Expect(ctx, settings, "round", "data", "shape"))
	})
	f.Check("what leaves the manifest leaves the object, what others have stays", func() error {
		smaller := tenant.Copies(objects)
		unstructured.RemoveNestedField(tenant.Find(smaller, "ConfigMap", "settings").Object, "data", "size")
		tenant.Find(smaller, "Parcel", "first").Object["spec"] = map[string]any{"to": "Bonn", "items": []any{map[string]any{"name": "cups"}}}
		if err := f.apply(ctx, smaller, map[string]ssa.Action{
			"ConfigMap/flux/settings": ssa.ConfiguredAction, "Parcel/flux/first": ssa.ConfiguredAction,
		}); err != nil {
			return err
		}
		if err := errors.Join(
			f.Expect(ctx, settings, "map[colour:green shape:round]", "data"),
			f.Expect(ctx, parcel, "map[items:[map[count:1 name:cups]] priority:normal to:Bonn]", "spec"),
		); err != nil {
			return err
		}
		return f.apply(ctx, objects, map[string]ssa.Action{
			"ConfigMap/flux/settings": ssa.ConfiguredAction, "Parcel/flux/first": ssa.ConfiguredAction,
		})
	})
	f.Check("fields that another applier scales are ignored where rules say so", func() error { return f.ignored(ctx) })
}

func main() { tenant.Main("flux", runFlux) }
