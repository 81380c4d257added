package main

import (
	"context"
	"errors"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"conformance/gitops/tenant"
)

// healing keeps an application as its manifests say, as Argo CD does with selfHeal: events of the cache alone make it look.
func (a *argo) healing(ctx context.Context) error {
	settings := a.ConfigMap("healed", "a", "1")
	deployment, parcel := tenant.Find(a.Read("shop.yaml"), "Deployment", "front"), tenant.Find(a.Read("shop.yaml"), "Parcel", "first")
	deployment.SetName("healed")
	parcel.SetName("healed")
	objects := []*unstructured.Unstructured{settings, deployment, parcel}
	if _, err := a.synced(ctx, "heals", objects); err != nil {
		return err
	}
	if err := a.settled(ctx, "heals", objects); err != nil {
		return err
	}
	before, err := a.Live(ctx, deployment)
	if err != nil {
		return err
	}
	wake := make(chan struct{}, 1)
	unsubscribe := a.cache.OnResourceUpdated(func(_, _ *cache.Resource, _ map[kube.ResourceKey]*cache.Resource) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	defer unsubscribe()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		for {
			select {
			case <-running.Done():
				ended <- nil
				return
			case <-wake:
			}
			if a.same("heals", objects) == nil {
				continue
			}
			if _, err := a.synced(ctx, "heals", objects); err != nil {
				ended <- err
				return
			}
		}
	}()
	err = errors.Join(
		a.Patch(ctx, settings, "other", `{"data":{"a":"2"}}`), a.Patch(ctx, parcel, "other", `{"spec":{"to":"Rom"}}`), a.Client.Delete(ctx, deployment.DeepCopy()),
	)
	if err == nil {
		err = tenant.Eventually(ctx, func() error {
			got, err := a.Live(ctx, deployment)
			if err == nil && got.GetUID() == before.GetUID() {
				err = errors.New("the deployment is the old one")
			}
			return errors.Join(err, a.Expect(ctx, settings, "1", "data", "a"), a.Expect(ctx, parcel, "Bonn", "spec", "to"), a.same("heals", objects))
		})
	}
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	_, err = a.synced(ctx, "heals", nil, sync.WithPrune(true))
	return errors.Join(err, a.cached(ctx, a.key(settings), false), a.cached(ctx, a.key(deployment), false), a.cached(ctx, a.key(parcel), false))
}
