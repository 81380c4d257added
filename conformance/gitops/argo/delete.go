package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"conformance/gitops/tenant"
)

// owned delivers an application of a config map and makes another that depends on it.
func (a *argo) owned(ctx context.Context, app string) (owner, child *unstructured.Unstructured, err error) {
	owner, child = a.ConfigMap(app+"-owner"), a.ConfigMap(app+"-child")
	if _, err := a.synced(ctx, app, []*unstructured.Unstructured{owner}); err != nil {
		return nil, nil, err
	}
	got, err := a.Live(ctx, owner)
	if err != nil {
		return nil, nil, err
	}
	yes := true
	child.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: got.GetName(), UID: got.GetUID(), BlockOwnerDeletion: &yes}})
	return owner, child, errors.Join(a.Client.Create(ctx, child.DeepCopy()), a.cached(ctx, a.key(owner), true), a.cached(ctx, a.key(child), true))
}

// let removes the finalizer of an object that nobody but the check ends, where it has just that one.
func (a *argo) let(ctx context.Context, object *unstructured.Unstructured, finalizer string) error {
	got, err := a.Live(ctx, object)
	if err != nil {
		return err
	}
	if found := got.GetFinalizers(); !slices.Equal(found, []string{finalizer}) || got.GetDeletionTimestamp() == nil {
		return fmt.Errorf("finalizers of %s are %v", object.GetName(), found)
	}
	return a.Patch(ctx, object, "other", `{"metadata":{"finalizers":null}}`)
}

// deleting checks what the ways of deleting do to what depends on a deleted object, and how deletions are waited for.
func (a *argo) deleting(ctx context.Context) {
	pruned := func(app string, policy metav1.DeletionPropagation) (owner, child *unstructured.Unstructured, err error) {
		if owner, child, err = a.owned(ctx, app); err != nil {
			return nil, nil, err
		}
		o, err := a.synced(ctx, app, nil, sync.WithPrune(true), sync.WithPrunePropagationPolicy(&policy))
		if err != nil {
			return nil, nil, err
		}
		if result := o.of("ConfigMap", owner.GetName()); result.Status != common.ResultCodePruned {
			return nil, nil, fmt.Errorf("%s: %s", result.Status, result.Message)
		}
		return owner, child, nil
	}
	// order fails unless the cache saw both go, in that order.
	order := func(first, second *unstructured.Unstructured) error {
		if err := errors.Join(a.cached(ctx, a.key(first), false), a.cached(ctx, a.key(second), false)); err != nil {
			return err
		}
		if at := []int{a.happened("-ConfigMap/" + first.GetName()), a.happened("-ConfigMap/" + second.GetName())}; !slices.IsSorted(at) || at[0] < 0 {
			return fmt.Errorf("events came as %v", at)
		}
		return nil
	}
	a.Check("pruned in the foreground, what depends on an object goes before it", func() error {
		owner, child, err := pruned("foreground", metav1.DeletePropagationForeground)
		if err != nil {
			return err
		}
		if !tenant.ControllersRun {
			if err := errors.Join(a.Client.Delete(ctx, child), a.let(ctx, owner, metav1.FinalizerDeleteDependents)); err != nil {
				return err
			}
		}
		return order(child, owner)
	})
	a.Check("pruned in the background, what depends on an object goes after it", func() error {
		owner, child, err := pruned("background", metav1.DeletePropagationBackground)
		if err != nil {
			return err
		}
		if !tenant.ControllersRun {
			if err := a.Client.Delete(ctx, child); err != nil {
				return err
			}
		}
		return order(owner, child)
	})
	a.Check("pruned as an orphanage, what depends on an object stays and is free", func() error {
		owner, child, err := pruned("orphan", metav1.DeletePropagationOrphan)
		if err != nil {
			return err
		}
		if !tenant.ControllersRun {
			return errors.Join(a.let(ctx, owner, metav1.FinalizerOrphanDependents), a.Client.Delete(ctx, child), a.cached(ctx, a.key(owner), false))
		}
		if err := a.cached(ctx, a.key(owner), false); err != nil {
			return err
		}
		got, err := a.Live(ctx, child)
		if err != nil {
			return err
		}
		if len(got.GetOwnerReferences()) > 0 || got.GetDeletionTimestamp() != nil {
			return fmt.Errorf("owners are %v, deleted at %v", got.GetOwnerReferences(), got.GetDeletionTimestamp())
		}
		return a.Client.Delete(ctx, child)
	})
	a.Check("a wave of deletions waits until a finalizer lets the last of the one before go", func() error {
		base, held := a.ConfigMap("base"), annotated(a.ConfigMap("held"), "sync-wave", "1")
		held.SetFinalizers([]string{"example.com/hold"})
		if _, err := a.synced(ctx, "ordered", []*unstructured.Unstructured{base, held}); err != nil {
			return err
		}
		if err := errors.Join(a.cached(ctx, a.key(base), true), a.cached(ctx, a.key(held), true)); err != nil {
			return err
		}
		waited, atWait := 0, error(nil)
		a.stepped = func(message string) {
			if message == "waiting for deletion of /ConfigMap/held" {
				if waited++; waited == 1 {
					_, there := a.Live(ctx, base)
					atWait = errors.Join(there, a.let(ctx, held, "example.com/hold"))
				}
			}
		}
		defer func() { a.stepped = nil }()
		// As Argo CD's own pause after each wave, for the cache to hear of it.
		ran := 0
		heard := sync.WithSyncWaveHook(func(_ common.SyncPhase, _ int, _ bool) error {
			if ran++; ran > 1 {
				return a.Gone(ctx, held)
			}
			return tenant.Eventually(ctx, func() error {
				for _, each := range a.cache.FindResources(a.Tool, func(r *cache.Resource) bool { return r.ResourceKey() == a.key(held) }) {
					if each.Resource != nil && each.Resource.GetDeletionTimestamp() != nil {
						return nil
					}
				}
				return errors.New("the cache has not heard of the deletion")
			})
		})
		_, err := a.synced(ctx, "ordered", nil, sync.WithPrune(true), heard)
		if waited == 0 {
			err = errors.Join(err, errors.New("nothing was waited for"))
		}
		return errors.Join(err, atWait, order(held, base))
	})
}
