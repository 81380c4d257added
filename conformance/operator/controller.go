package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	ctrlrecorder "sigs.k8s.io/controller-runtime/pkg/recorder"

	gardenv1 "conformance/operator/garden/v1"
)

const (
	finalizer = "operator.example.com/ledger"
	manager   = "garden-operator"
	// tenantLabel marks in every object whose it is.
	tenantLabel = "tenant"
	gardenLabel = "garden"
)

// gardener keeps a ConfigMap for each bed, applied on the server's side and owned by the garden, and one ledger that
// only a finalizer removes.
type gardener struct {
	client.Client
	tenant   string
	recorder ctrlrecorder.EventRecorder
	// foreign is the last sight of an object of somebody else.
	foreign atomic.Value
}

func (g *gardener) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	garden := &gardenv1.Garden{}
	if err := g.Get(ctx, request.NamespacedName, garden); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if owner := garden.Labels[tenantLabel]; owner != g.tenant {
		g.foreign.Store(fmt.Sprintf("%s sees %s of %q", g.tenant, request, owner))
		return ctrl.Result{}, nil
	}
	ledger := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: garden.Name + "-ledger", Namespace: garden.Namespace}}
	if !garden.DeletionTimestamp.IsZero() {
		if err := g.Delete(ctx, ledger); client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
		before := garden.DeepCopy()
		if !controllerutil.RemoveFinalizer(garden, finalizer) {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, client.IgnoreNotFound(g.Patch(ctx, garden, client.MergeFrom(before)))
	}
	before := garden.DeepCopy()
	if controllerutil.AddFinalizer(garden, finalizer) {
		if err := g.Patch(ctx, garden, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, err
		}
	}
	plants, err := g.plant(ctx, garden)
	if err != nil {
		return ctrl.Result{}, err
	}
	book := corev1ac.ConfigMap(ledger.Name, ledger.Namespace).
		WithLabels(map[string]string{tenantLabel: g.tenant}).
		WithData(map[string]string{"plants": strconv.Itoa(int(plants))})
	if err := g.Apply(ctx, book, client.FieldOwner(manager), client.ForceOwnership); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, g.report(ctx, garden, plants)
}

// plant applies a child for each bed, removes those of beds that are gone, and answers the sum of plants.
func (g *gardener) plant(ctx context.Context, garden *gardenv1.Garden) (int32, error) {
	owner := metav1ac.OwnerReference().
		WithAPIVersion(gardenv1.GroupVersion.String()).WithKind("Garden").
		WithName(garden.Name).WithUID(garden.UID).WithController(true).WithBlockOwnerDeletion(true)
	var plants int32
	wanted := map[string]bool{}
	for _, bed := range garden.Spec.Beds {
		name := garden.Name + "-" + bed.Name
		wanted[name] = true
		plants += bed.Plants
		child := corev1ac.ConfigMap(name, garden.Namespace).
			WithLabels(map[string]string{tenantLabel: g.tenant, gardenLabel: garden.Name}).
			WithOwnerReferences(owner).
			WithData(map[string]string{"plants": strconv.Itoa(int(bed.Plants)), "colour": garden.Spec.Colour})
		if err := g.Apply(ctx, child, client.FieldOwner(manager), client.ForceOwnership); err != nil {
			return 0, err
		}
	}
	var children corev1.ConfigMapList
	err := g.List(ctx, &children, client.InNamespace(garden.Namespace), client.MatchingLabels{gardenLabel: garden.Name})
	if err != nil {
		return 0, err
	}
	for at := range children.Items {
		child := &children.Items[at]
		if child.Labels[tenantLabel] != g.tenant {
			g.foreign.Store(fmt.Sprintf("%s sees the child %s of %q", g.tenant, child.Name, child.Labels[tenantLabel]))
		}
		if !wanted[child.Name] && metav1.IsControlledBy(child, garden) {
			if err := g.Delete(ctx, child); client.IgnoreNotFound(err) != nil {
				return 0, err
			}
		}
	}
	return plants, nil
}

// report applies the status, and tells an event when the garden became ready.
func (g *gardener) report(ctx context.Context, garden *gardenv1.Garden, plants int32) error {
	ready := metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Planted", Message: fmt.Sprintf("%d plants", plants),
		ObservedGeneration: garden.Generation,
	}
	first := !meta.IsStatusConditionTrue(garden.Status.Conditions, ready.Type)
	conditions := append([]metav1.Condition(nil), garden.Status.Conditions...)
	meta.SetStatusCondition(&conditions, ready)
	replicas := int32(0)
	if garden.Spec.Replicas != nil {
		replicas = *garden.Spec.Replicas
	}
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&gardenv1.GardenStatus{
		ObservedGeneration: garden.Generation, Plants: plants, Replicas: replicas,
		Selector: gardenLabel + "=" + garden.Name, Conditions: conditions,
	})
	if err != nil {
		return err
	}
	applied := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	applied.SetGroupVersionKind(gardenv1.GroupVersion.WithKind("Garden"))
	applied.SetName(garden.Name)
	applied.SetNamespace(garden.Namespace)
	// The status tells of the garden that was read. Without this, two sights of it from an old cache could each bring
	// back the condition's time that the other has just replaced, for ever.
	applied.SetResourceVersion(garden.ResourceVersion)
	err = g.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner(manager), client.ForceOwnership)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	if first {
		g.recorder.Eventf(garden, nil, corev1.EventTypeNormal, "Planted", "Plant", "%d plants in %d beds", plants, len(garden.Spec.Beds))
	}
	return nil
}
