package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	autoscalingv1 "k8s.io/api/autoscaling/v1"

	"conformance/checks"
	gardenv1 "conformance/operator/garden/v1"
	gardenv1alpha1 "conformance/operator/garden/v1alpha1"
)

// controllersRun is false against a bare kube-apiserver, which has no garbage collector.
var controllersRun = os.Getenv("CONFORMANCE_TARGET") != "kube-apiserver"

// warnings keeps what the server warned of.
type warnings struct {
	lock  sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.texts = append(w.texts, text)
}

func (w *warnings) expect(part string) error {
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, text := range w.texts {
		if strings.Contains(text, part) {
			return nil
		}
	}
	return fmt.Errorf("no warning %q in %q", part, w.texts)
}

// refused fails unless err is a Status of the given reason whose text holds part.
func refused(err error, reason metav1.StatusReason, part string) error {
	if got := apierrors.ReasonForError(err); got != reason || !strings.Contains(err.Error(), part) {
		return fmt.Errorf("got %s %v, want %s with %q", got, err, reason, part)
	}
	return nil
}

// garden is a garden of the tenant's with the given beds.
func (t *tenant) garden(name string, beds ...gardenv1.Bed) *gardenv1.Garden {
	return &gardenv1.Garden{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{tenantLabel: t.name()}},
		Spec:       gardenv1.GardenSpec{Beds: beds},
	}
}

func key(name string) client.ObjectKey { return client.ObjectKey{Namespace: namespace, Name: name} }

// run installs the operator in the workspace, starts it, and makes all checks.
func (t *tenant) run(ctx context.Context) {
	heard := &warnings{}
	config := rest.CopyConfig(t.config)
	config.WarningHandler = heard
	if !t.check("installs and is in discovery", t.install) {
		return
	}
	defer t.check("uninstalls", func() error { return t.env.Stop() })
	var err error
	if t.client, err = client.NewWithWatch(config, client.Options{Scheme: t.scheme}); err != nil {
		checks.Report(t.name()+": client", err)
		return
	}
	if err := t.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); client.IgnoreAlreadyExists(err) != nil {
		checks.Report(t.name()+": namespace", err)
		return
	}
	managing, stop := context.WithCancel(ctx)
	defer stop()
	mgr, g, ended, err := t.start(managing, true)
	if err != nil {
		checks.Report(t.name()+": manager", err)
		return
	}
	t.gardener = g
	if !t.check("is elected", func() error {
		return eventually(ctx, func() error {
			select {
			case <-mgr.Elected():
				return mgr.GetWebhookServer().StartedChecker()(nil)
			case err := <-ended:
				return fmt.Errorf("the manager ended: %w", err)
			default:
				return errors.New("not the leader")
			}
		})
	}) {
		return
	}
	t.admission(ctx, heard)
	t.conversion(ctx, heard)
	t.children(ctx)
	t.subresources(ctx)
	t.deletion(ctx)
	t.check("events, in both groups", func() error { return t.events(ctx) })
	t.check("metrics", t.readMetrics)
	t.takeover(ctx, stop, ended)
	t.check("no object of another workspace was seen", func() error {
		if seen, ok := t.gardener.foreign.Load().(string); ok {
			return errors.New(seen)
		}
		return nil
	})
}

// admission checks defaults, validation, rules and webhooks.
func (t *tenant) admission(ctx context.Context, heard *warnings) {
	t.check("defaults of schema and webhook", func() error {
		object := &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": "plain", "namespace": namespace, "labels": map[string]any{tenantLabel: t.name()}},
			"spec":     map[string]any{"beds": []any{map[string]any{"name": "a"}}},
		}}
		object.SetGroupVersionKind(gardenv1.GroupVersion.WithKind("Garden"))
		if err := t.client.Create(ctx, object); err != nil {
			return err
		}
		var made gardenv1.Garden
		if err := t.client.Get(ctx, key("plain"), &made); err != nil {
			return err
		}
		spec := made.Spec
		if spec.Colour != "green" || spec.MaxPlants != 10 || spec.Owner != "nobody" || spec.Replicas == nil || *spec.Replicas != 1 || spec.Beds[0].Plants != 1 {
			return fmt.Errorf("got %+v", spec)
		}
		return nil
	})
	create := func(change func(*gardenv1.Garden)) error {
		garden := t.garden("refused", gardenv1.Bed{Name: "a", Plants: 1})
		change(garden)
		return t.client.Create(ctx, garden)
	}
	for _, each := range []struct {
		what, part string
		reason     metav1.StatusReason
		change     func(*gardenv1.Garden)
	}{
		{"an enum", `spec.colour: Unsupported value: "pink": supported values: "green", "red", "blue"`, metav1.StatusReasonInvalid,
			func(g *gardenv1.Garden) { g.Spec.Colour = "pink" }},
		{"a maximum", `spec.maxPlants: Invalid value: 501: spec.maxPlants in body should be less than or equal to 500`, metav1.StatusReasonInvalid,
			func(g *gardenv1.Garden) { g.Spec.MaxPlants = 501 }},
		{"a map's keys", `spec.beds[1]: Duplicate value: {"name":"a"}`, metav1.StatusReasonInvalid,
			func(g *gardenv1.Garden) { g.Spec.Beds = append(g.Spec.Beds, gardenv1.Bed{Name: "a", Plants: 2}) }},
		{"a rule with reason and path", `spec.beds: Forbidden: no bed may hold more than maxPlants`, metav1.StatusReasonInvalid,
			func(g *gardenv1.Garden) { g.Spec.Beds[0].Plants = 11 }},
		{"a rule with a message expression", `green gardens hold at most 1000 plants`, metav1.StatusReasonInvalid,
			func(g *gardenv1.Garden) {
				g.Spec.MaxPlants = 400
				g.Spec.Beds = []gardenv1.Bed{{Name: "a", Plants: 400}, {Name: "b", Plants: 400}, {Name: "c", Plants: 400}}
			}},
		{"the validating webhook", `admission webhook "garden.operator.example.com" denied the request: the name bad-luck brings bad luck`, metav1.StatusReasonForbidden,
			func(g *gardenv1.Garden) { g.Name = "bad-luck" }},
	} {
		t.check(each.what+" is enforced", func() error { return refused(create(each.change), each.reason, each.part) })
	}
	t.check("a match condition exempts", func() error {
		return create(func(g *gardenv1.Garden) {
			g.Name = "bad-but-exempt"
			g.Labels["exempt"] = "yes"
		})
	})
	t.check("a transition rule is enforced, a webhook sees the old object", func() error {
		change := func(body string) error {
			return t.client.Patch(ctx, t.garden("plain"), client.RawPatch(types.MergePatchType, []byte(body)))
		}
		if err := refused(change(`{"spec":{"colour":"blue"}}`), metav1.StatusReasonInvalid, "spec.colour: Invalid value: \"blue\": the colour is for ever"); err != nil {
			return err
		}
		if err := change(`{"spec":{"owner":"eve"}}`); err != nil {
			return err
		}
		return refused(change(`{"spec":{"owner":"adam"}}`), metav1.StatusReasonForbidden, "the garden belongs to eve")
	})
	t.check("strict decoding refuses an unknown field, otherwise it is pruned", func() error {
		object := &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": "strict", "namespace": namespace, "labels": map[string]any{tenantLabel: t.name()}},
			"spec":     map[string]any{"wall": "high"},
		}}
		object.SetGroupVersionKind(gardenv1.GroupVersion.WithKind("Garden"))
		err := t.client.Create(ctx, object.DeepCopy(), client.FieldValidation("Strict"))
		if err := refused(err, metav1.StatusReasonBadRequest, `strict decoding error: unknown field "spec.wall"`); err != nil {
			return err
		}
		if err := t.client.Create(ctx, object, client.FieldValidation("Warn")); err != nil {
			return err
		}
		if _, found, _ := unstructured.NestedString(object.Object, "spec", "wall"); found {
			return errors.New("the field was kept")
		}
		return heard.expect(`unknown field "spec.wall"`)
	})
	t.check("a webhook's warning is heard", func() error {
		garden := t.garden("warned")
		garden.Spec.Colour = "red"
		if err := t.client.Create(ctx, garden); err != nil {
			return err
		}
		return heard.expect("red gardens need much water")
	})
	t.check("a field selector on a custom field", func() error {
		var list gardenv1.GardenList
		if err := t.client.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{"spec.colour": "red"}); err != nil {
			return err
		}
		if len(list.Items) != 1 || list.Items[0].Name != "warned" {
			return fmt.Errorf("got %d gardens", len(list.Items))
		}
		return nil
	})
}

// conversion writes and reads in both versions.
func (t *tenant) conversion(ctx context.Context, heard *warnings) {
	t.check("create in the old version, read in both, watch in the old", func() error {
		watching, err := t.client.Watch(ctx, &gardenv1alpha1.GardenList{}, client.InNamespace(namespace))
		if err != nil {
			return err
		}
		defer watching.Stop()
		old := &gardenv1alpha1.Garden{
			ObjectMeta: metav1.ObjectMeta{Name: "converted", Namespace: namespace, Labels: map[string]string{tenantLabel: t.name()}},
			Spec:       gardenv1alpha1.GardenSpec{Limit: 20, Plots: []gardenv1alpha1.Plot{{Title: "a", Plants: 15}}},
		}
		if err := t.client.Create(ctx, old); err != nil {
			return err
		}
		var current gardenv1.Garden
		if err := t.client.Get(ctx, key("converted"), &current); err != nil {
			return err
		}
		if current.Spec.MaxPlants != 20 || len(current.Spec.Beds) != 1 || current.Spec.Beds[0].Plants != 15 || current.Spec.Owner != "nobody" {
			return fmt.Errorf("in v1: %+v", current.Spec)
		}
		var list gardenv1alpha1.GardenList
		if err := t.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return err
		}
		if len(list.Items) < 3 {
			return fmt.Errorf("a list of %d gardens in v1alpha1", len(list.Items))
		}
		for {
			select {
			case event := <-watching.ResultChan():
				garden, ok := event.Object.(*gardenv1alpha1.Garden)
				if !ok {
					return fmt.Errorf("the watch gave %v", event)
				}
				if garden.Name == "converted" && event.Type == watch.Added {
					if len(garden.Spec.Plots) != 1 || garden.Spec.Plots[0].Title != "a" {
						return fmt.Errorf("watched: %+v", garden.Spec)
					}
					return heard.expect("operator.example.com/v1alpha1 Garden is old; use v1")
				}
			case <-time.After(patience):
				return errors.New("the watch saw nothing")
			}
		}
	})
	t.check("rules hold for what was written in the old version", func() error {
		old := &gardenv1alpha1.Garden{ObjectMeta: metav1.ObjectMeta{Name: "full", Namespace: namespace}}
		old.Spec.Plots = []gardenv1alpha1.Plot{{Title: "a", Plants: 15}}
		// Rules are those of the version written in, which has none; the stored version's webhook still sees it.
		old.Name = "bad-old"
		return refused(t.client.Create(ctx, old), metav1.StatusReasonForbidden, "the name bad-old brings bad luck")
	})
	t.check("apply in the old version, then in the new: the owner of the fields stays", func() error {
		apply := func(apiVersion string, spec map[string]any) error {
			object := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": apiVersion, "kind": "Garden",
				"metadata": map[string]any{"name": "applied", "namespace": namespace, "labels": map[string]any{tenantLabel: t.name()}},
				"spec":     spec,
			}}
			return t.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("planner"))
		}
		if err := apply(gardenv1alpha1.GroupVersion.String(), map[string]any{"limit": 30}); err != nil {
			return err
		}
		if err := apply(gardenv1.GroupVersion.String(), map[string]any{"maxPlants": 40}); err != nil {
			return err
		}
		var garden gardenv1.Garden
		if err := t.client.Get(ctx, key("applied"), &garden); err != nil {
			return err
		}
		if garden.Spec.MaxPlants != 40 {
			return fmt.Errorf("maxPlants is %d", garden.Spec.MaxPlants)
		}
		return nil
	})
}

// child reads the ConfigMap of a bed and fails unless it holds plants.
func (t *tenant) child(ctx context.Context, garden, bed, plants string) func() error {
	return func() error {
		var child corev1.ConfigMap
		if err := t.client.Get(ctx, key(garden+"-"+bed), &child); err != nil {
			return err
		}
		if child.Data["plants"] != plants {
			return fmt.Errorf("%s holds %q, want %q", child.Name, child.Data["plants"], plants)
		}
		return nil
	}
}

// children checks what the controller applies.
func (t *tenant) children(ctx context.Context) {
	const gardens = 5
	name := func(at int) string { return fmt.Sprintf("garden-%d", at) }
	t.check("every bed gets its child", func() error {
		for at := range gardens {
			garden := t.garden(name(at), gardenv1.Bed{Name: "a", Plants: int32(at + 1)}, gardenv1.Bed{Name: "b", Plants: 2})
			if err := t.client.Create(ctx, garden); err != nil {
				return err
			}
		}
		for at := range gardens {
			if err := eventually(ctx, t.child(ctx, name(at), "a", fmt.Sprint(at+1))); err != nil {
				return err
			}
		}
		var child corev1.ConfigMap
		if err := t.client.Get(ctx, key(name(0)+"-a"), &child); err != nil {
			return err
		}
		if owner := metav1.GetControllerOf(&child); owner == nil || owner.Name != name(0) || owner.Kind != "Garden" {
			return fmt.Errorf("owner %v", owner)
		}
		for _, entry := range child.ManagedFields {
			if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply {
				return nil
			}
		}
		return fmt.Errorf("no applied fields in %v", child.ManagedFields)
	})
	t.check("drift is mended, a foreign field stays", func() error {
		child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name(1) + "-a", Namespace: namespace}}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"data":{"plants":"99","note":"mine"}}`))
		if err := t.client.Patch(ctx, child, patch, client.FieldOwner("vandal")); err != nil {
			return err
		}
		if err := eventually(ctx, t.child(ctx, name(1), "a", "2")); err != nil {
			return err
		}
		if err := t.client.Get(ctx, key(child.Name), child); err != nil {
			return err
		}
		if child.Data["note"] != "mine" {
			return fmt.Errorf("data %v", child.Data)
		}
		return nil
	})
	t.check("an apply without force conflicts with the operator's fields", func() error {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name(2) + "-a", "namespace": namespace},
			"data": map[string]any{"plants": "7"},
		}}
		err := t.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("rival"))
		return refused(err, metav1.StatusReasonConflict, `conflict with "garden-operator": .data.plants`)
	})
	t.check("a bed that is gone takes its child along, a lost child comes back", func() error {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"beds":[{"name":"a","plants":9}]}}`))
		if err := t.client.Patch(ctx, t.garden(name(3)), patch); err != nil {
			return err
		}
		if err := t.client.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name(4) + "-a", Namespace: namespace}}); err != nil {
			return err
		}
		if err := eventually(ctx, t.child(ctx, name(3), "a", "9")); err != nil {
			return err
		}
		if err := eventually(ctx, t.child(ctx, name(4), "a", "5")); err != nil {
			return err
		}
		return eventually(ctx, func() error { return t.absent(ctx, name(3)+"-b") })
	})
}

// absent fails while the ConfigMap is there.
func (t *tenant) absent(ctx context.Context, name string) error {
	err := t.client.Get(ctx, key(name), &corev1.ConfigMap{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("%s: %v", name, err)
}

// subresources checks status and scale.
func (t *tenant) subresources(ctx context.Context) {
	const name = "garden-0"
	t.check("the status is the operator's, and changes no generation", func() error {
		var garden gardenv1.Garden
		err := eventually(ctx, func() error {
			if err := t.client.Get(ctx, key(name), &garden); err != nil {
				return err
			}
			if garden.Status.ObservedGeneration != garden.Generation || !meta.IsStatusConditionTrue(garden.Status.Conditions, "Ready") || garden.Status.Plants != 3 {
				return fmt.Errorf("generation %d, status %+v", garden.Generation, garden.Status)
			}
			return nil
		})
		if err != nil {
			return err
		}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"plants":77}}`))
		if err := t.client.Patch(ctx, &garden, patch); err != nil {
			return err
		}
		if garden.Status.Plants != 3 {
			return fmt.Errorf("a write of the object wrote the status: %+v", garden.Status)
		}
		generation := garden.Generation
		patch = client.RawPatch(types.MergePatchType, []byte(`{"spec":{"maxPlants":99},"status":{"plants":4}}`))
		if err := t.client.Status().Patch(ctx, &garden, patch); err != nil {
			return err
		}
		if garden.Spec.MaxPlants != 10 || garden.Generation != generation {
			return fmt.Errorf("a write of the status wrote the spec: %+v", garden.Spec)
		}
		return nil
	})
	t.check("scale reads and writes", func() error {
		garden := t.garden(name)
		scale := &autoscalingv1.Scale{}
		if err := t.client.SubResource("scale").Get(ctx, garden, scale); err != nil {
			return err
		}
		if scale.Spec.Replicas != 1 || scale.Status.Selector != "garden="+name {
			return fmt.Errorf("scale %+v", scale)
		}
		scale.Spec.Replicas = 4
		// The operator may write the garden at any time: the number is wanted whatever it wrote.
		scale.ResourceVersion = ""
		if err := t.client.SubResource("scale").Update(ctx, garden, client.WithSubResourceBody(scale)); err != nil {
			return err
		}
		return eventually(ctx, func() error {
			if err := t.client.Get(ctx, key(name), garden); err != nil {
				return err
			}
			if *garden.Spec.Replicas != 4 || garden.Status.Replicas != 4 {
				return fmt.Errorf("replicas %d, status %d", *garden.Spec.Replicas, garden.Status.Replicas)
			}
			return nil
		})
	})
}

// deletion checks the finalizer's work and, where somebody collects garbage, the children's end.
func (t *tenant) deletion(ctx context.Context) {
	t.check("deletion runs the finalizer and takes the children along", func() error {
		const name = "garden-1"
		if err := t.client.Delete(ctx, t.garden(name)); err != nil {
			return err
		}
		return eventually(ctx, func() error {
			if err := t.client.Get(ctx, key(name), &gardenv1.Garden{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("the garden: %v", err)
			}
			if err := t.absent(ctx, name+"-ledger"); err != nil {
				return err
			}
			if !controllersRun {
				return nil
			}
			return t.absent(ctx, name+"-a")
		})
	})
	t.check("foreground deletion waits for the children", func() error {
		if !controllersRun {
			return nil
		}
		const name = "garden-2"
		if err := t.client.Delete(ctx, t.garden(name), client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
			return err
		}
		return eventually(ctx, func() error {
			if err := t.client.Get(ctx, key(name), &gardenv1.Garden{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("the garden: %v", err)
			}
			return t.absent(ctx, name+"-a")
		})
	})
}

// events looks for what the operator told of one garden.
func (t *tenant) events(ctx context.Context) error {
	return eventually(ctx, func() error {
		var current eventsv1.EventList
		if err := t.client.List(ctx, &current, client.InNamespace(namespace)); err != nil {
			return err
		}
		var old corev1.EventList
		if err := t.client.List(ctx, &old, client.InNamespace(namespace)); err != nil {
			return err
		}
		for _, event := range current.Items {
			if event.Regarding.Name != "garden-0" || event.Reason != "Planted" {
				continue
			}
			for _, same := range old.Items {
				if same.Name == event.Name && same.InvolvedObject.Name == "garden-0" && same.Message == event.Note {
					return nil
				}
			}
			return fmt.Errorf("the event %s is not among the %d of group core", event.Name, len(old.Items))
		}
		return fmt.Errorf("none among %d events", len(current.Items))
	})
}

// readMetrics looks for the controller's counter.
func (t *tenant) readMetrics() error {
	answer, err := http.Get("http://" + t.metrics + "/metrics")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	for _, part := range []string{`controller_runtime_reconcile_total{controller="gardener",result="success"}`, `controller_runtime_webhook_requests_total`} {
		if !strings.Contains(string(body), part) {
			return fmt.Errorf("no %s in %d bytes", part, len(body))
		}
	}
	return nil
}

// takeover starts a second copy in the first workspace, ends the first copy, and sees the second one work.
func (t *tenant) takeover(ctx context.Context, stop func(), ended <-chan error) {
	holder := func() (string, error) {
		var lease coordinationv1.Lease
		if err := t.client.Get(ctx, key("gardener"), &lease); err != nil {
			return "", err
		}
		if lease.Spec.HolderIdentity == nil {
			return "", errors.New("the lease has no holder")
		}
		return *lease.Spec.HolderIdentity, nil
	}
	t.check("the lease has a holder; the manager stops and gives it back", func() error {
		name, err := holder()
		if err != nil {
			return err
		}
		if name == "" {
			return errors.New("nobody holds the lease")
		}
		stop()
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
		case <-time.After(patience):
			return errors.New("the manager still runs")
		}
		if name, err = holder(); err != nil || name != "" {
			return fmt.Errorf("the lease is held by %q: %v", name, err)
		}
		return nil
	})
	if t.index != 0 {
		return
	}
	t.check("a second copy takes over", func() error {
		managing, stopSecond := context.WithCancel(ctx)
		defer stopSecond()
		_, second, secondEnded, err := t.start(managing, false)
		if err != nil {
			return err
		}
		child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "garden-0-a", Namespace: namespace}}
		if err := t.client.Delete(ctx, child); err != nil {
			return err
		}
		if err := eventually(ctx, t.child(ctx, "garden-0", "a", "1")); err != nil {
			return err
		}
		if seen, ok := second.foreign.Load().(string); ok {
			return errors.New(seen)
		}
		stopSecond()
		return <-secondEnded
	})
}
