package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"conformance/gitops/tenant"
)

// one synchronises an application of a single object.
func (a *argo) single(ctx context.Context, object *unstructured.Unstructured, options ...sync.SyncOpt) (*outcome, error) {
	return a.synced(ctx, "single-"+object.GetName(), []*unstructured.Unstructured{object}, options...)
}

// contested brings an object about that somebody else has changed since.
func (a *argo) contested(ctx context.Context, object *unstructured.Unstructured, patch string) error {
	if _, err := a.single(ctx, object); err != nil {
		return err
	}
	return errors.Join(a.cached(ctx, a.key(object), true), a.Patch(ctx, object, "other", patch))
}

// applying checks the ways of writing: apply at the client and at the server, create, replace and force.
func (a *argo) applying(ctx context.Context) {
	a.Check("apply at the client keeps what it applied in an annotation", func() error {
		object := a.ConfigMap("client-side", "a", "1", "b", "2")
		if err := a.contested(ctx, object, `{"data":{"c":"3"}}`); err != nil {
			return err
		}
		object.Object["data"] = map[string]any{"a": "1"}
		o, err := a.single(ctx, object)
		if err != nil {
			return err
		}
		got, err := a.Live(ctx, object)
		if err != nil {
			return err
		}
		return errors.Join(
			tenant.Holds(o.of("ConfigMap", "client-side").Message, "configmap/client-side configured"), a.Expect(ctx, object, "map[a:1 c:3]", "data"),
			tenant.Holds(got.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"], `"data":{"a":"1"}`), tenant.Holds(tenant.Managers(got), argoField+"/Update"),
		)
	})
	a.Check("apply at the server takes fields over from their managers", func() error {
		object := annotated(a.ConfigMap("server-side", "a", "1"), "sync-options", "ServerSideApply=true")
		if err := a.contested(ctx, object, `{"data":{"a":"2","c":"3"}}`); err != nil {
			return err
		}
		o, err := a.single(ctx, object)
		if err != nil {
			return err
		}
		got, err := a.Live(ctx, object)
		if err != nil {
			return err
		}
		return errors.Join(
			tenant.Holds(o.of("ConfigMap", "server-side").Message, "configmap/server-side serverside-applied"), a.Expect(ctx, object, "map[a:1 c:3]", "data"),
			tenant.Holds(tenant.Managers(got), argoField+"/Apply", "other/Update"),
		)
	})
	a.Check("the whole application goes over to apply at the server", func() error {
		shop := a.waved()
		stop := a.playing(ctx, func(object *unstructured.Unstructured) map[string]any { return well(object) })
		o, err := a.synced(ctx, application, shop, sync.WithServerSideApply(true))
		if err := errors.Join(err, stop()); err != nil {
			return err
		}
		for _, object := range shop {
			got, err := a.Live(ctx, object)
			if err != nil {
				return err
			}
			if err := tenant.Holds(tenant.Managers(got), argoField+"/Apply"); err != nil {
				return fmt.Errorf("%s: %w", tenant.Subject(object), err)
			}
		}
		versions, err := a.Versions(ctx, shop)
		if err != nil {
			return err
		}
		if _, err := a.synced(ctx, application, shop, sync.WithServerSideApply(true)); err != nil {
			return err
		}
		return errors.Join(a.Unwritten(ctx, shop, versions), a.settled(ctx, application, shop),
			tenant.Holds(o.of("ConfigMap", "settings").Message, "configmap/settings serverside-applied"),
			tenant.Holds(o.of("RoleBinding", "settings").Message, "rolebinding.rbac.authorization.k8s.io/settings reconciled", "settings serverside-applied"))
	})
	a.Check("fields applied at the client migrate to the server's apply", func() error {
		object := a.ConfigMap("migrates", "a", "1", "b", "2")
		object.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"})
		tracking("single-migrates", []*unstructured.Unstructured{object})
		if err := a.Client.Create(ctx, object.DeepCopy(), client.FieldOwner("kubectl-client-side-apply")); err != nil {
			return err
		}
		if err := a.cached(ctx, a.key(object), true); err != nil {
			return err
		}
		object.Object["data"] = map[string]any{"a": "1"}
		object.SetAnnotations(nil)
		if _, err := a.single(ctx, object, sync.WithServerSideApply(true), sync.WithClientSideApplyMigration(true, "kubectl-client-side-apply")); err != nil {
			return err
		}
		got, err := a.Live(ctx, object)
		if err != nil {
			return err
		}
		if tenant.Managers(got) != argoField+"/Apply" {
			return fmt.Errorf("managers are %s", tenant.Managers(got))
		}
		return a.Expect(ctx, object, "map[a:1]", "data")
	})
	a.Check("replace creates, then overwrites what others wrote", func() error {
		object := annotated(a.ConfigMap("replaced", "a", "1"), "sync-options", "Replace=true")
		made, err := a.single(ctx, object)
		if err != nil {
			return err
		}
		if err := errors.Join(a.cached(ctx, a.key(object), true), a.Patch(ctx, object, "other", `{"data":{"b":"2"}}`)); err != nil {
			return err
		}
		o, err := a.single(ctx, object)
		return errors.Join(err, tenant.Holds(made.of("ConfigMap", "replaced").Message, "configmap/replaced created"),
			tenant.Holds(o.of("ConfigMap", "replaced").Message, "configmap/replaced replaced"), a.Expect(ctx, object, "map[a:1]", "data"))
	})
	a.Check("a job's template is refused, and replaced by force", func() error {
		object := a.hook("rerun")
		stop := a.playing(ctx, func(object *unstructured.Unstructured) map[string]any { return well(object) })
		_, err := a.single(ctx, object)
		if err := errors.Join(err, a.cached(ctx, a.key(object), true)); err != nil {
			return errors.Join(err, stop())
		}
		before, err := a.Live(ctx, object)
		if err != nil {
			return errors.Join(err, stop())
		}
		containers := []any{map[string]any{"name": "run", "image": "shop.example.com/hook:2.0.0"}}
		_ = unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers")
		o, err := a.sync(ctx, "single-rerun", []*unstructured.Unstructured{object})
		if err != nil {
			return errors.Join(err, stop())
		}
		refused := errors.Join(o.ended(common.OperationFailed), tenant.Holds(o.of("Job", "rerun").Message, `Job.batch "rerun" is invalid: spec.template: Invalid value`, "field is immutable"))
		annotated(object, "sync-options", "Force=true,Replace=true")
		_, err = a.single(ctx, object)
		if err := errors.Join(refused, err, stop()); err != nil {
			return err
		}
		after, err := a.Live(ctx, object)
		if err == nil && after.GetUID() == before.GetUID() {
			err = errors.New("it is the same job")
		}
		return err
	})
	a.Check("force deletes and makes anew what cannot be patched", func() error {
		object := a.One("apiVersion: v1\nkind: Secret\nmetadata: { name: fixed, namespace: APP }\nimmutable: true\ndata: { a: YQ== }\n")
		if _, err := a.single(ctx, object); err != nil {
			return err
		}
		if err := a.cached(ctx, a.key(object), true); err != nil {
			return err
		}
		object.Object["data"] = map[string]any{"a": "Yg=="}
		o, err := a.sync(ctx, "single-fixed", []*unstructured.Unstructured{object})
		if err != nil {
			return err
		}
		if err := errors.Join(o.ended(common.OperationFailed), tenant.Holds(o.of("Secret", "fixed").Message, "data: Forbidden: field is immutable when `immutable` is set")); err != nil {
			return err
		}
		_, err = a.single(ctx, annotated(object, "sync-options", "Force=true"))
		return errors.Join(err, a.Expect(ctx, object, "map[a:Yg==]", "data"))
	})
	a.Check("a binding gets another role by being made anew", func() error {
		object := tenant.Find(a.Read("shop.yaml"), "RoleBinding", "settings")
		object.SetName("rebound")
		if _, err := a.single(ctx, object); err != nil {
			return err
		}
		if err := a.cached(ctx, a.key(object), true); err != nil {
			return err
		}
		_ = unstructured.SetNestedField(object.Object, "other", "roleRef", "name")
		o, err := a.single(ctx, object)
		return errors.Join(err, tenant.Holds(o.of("RoleBinding", "rebound").Message, "rebound reconciled"), a.Expect(ctx, object, "other", "roleRef", "name"))
	})
	a.Check("a dry run writes nothing", func() error {
		object := a.ConfigMap("dry", "a", "1")
		o, err := a.single(ctx, object, sync.WithOperationSettings(true, true, false, false))
		return errors.Join(err, tenant.Holds(o.of("ConfigMap", "dry").Message, "configmap/dry created (dry run)"), a.Gone(ctx, object))
	})
}

// trees checks the cache's view of owners and of kinds that come and go, and health before controllers have spoken.
func (a *argo) trees(ctx context.Context) {
	a.Check("the tree of a deployment is found by its owners", func() error {
		deployment := tenant.Find(a.Read("shop.yaml"), "Deployment", "front")
		parent, err := a.Live(ctx, deployment)
		if err != nil {
			return err
		}
		for _, manifest := range []string{
			"apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: { name: front-1, namespace: APP }\nspec: { replicas: 0, selector: { matchLabels: { app: front } }, " +
				"template: { metadata: { labels: { app: front } }, spec: { containers: [{ name: web, image: 'shop.example.com/front:1.0.0' }] } } }\n",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: { name: front-1-a, namespace: APP }\n",
		} {
			child := a.One(manifest)
			yes := true
			child.SetOwnerReferences([]metav1.OwnerReference{{
				APIVersion: parent.GetAPIVersion(), Kind: parent.GetKind(), Name: parent.GetName(), UID: parent.GetUID(), Controller: &yes,
			}})
			if err := a.Client.Create(ctx, child); err != nil {
				return err
			}
			parent = child
		}
		return tenant.Eventually(ctx, func() error {
			var tree []string
			a.cache.IterateHierarchyV2([]kube.ResourceKey{a.key(deployment)}, func(r *cache.Resource, _ map[kube.ResourceKey]*cache.Resource) bool {
				tree = append(tree, r.Ref.Kind+"/"+r.Ref.Name)
				return true
			})
			sort.Strings(tree)
			if found := strings.Join(tree, " "); found != "ConfigMap/front-1-a Deployment/front ReplicaSet/front-1" {
				return errors.New(found)
			}
			return nil
		})
	})
	a.Check("what nothing runs is progressing until its controller speaks", func() error {
		object := tenant.Find(a.Read("shop.yaml"), "Deployment", "front")
		object.SetName("slow")
		if _, err := a.single(ctx, object); err != nil {
			return err
		}
		got, err := a.Live(ctx, object)
		if err != nil {
			return err
		}
		found, err := health.GetResourceHealth(got, nil)
		if err != nil || found.Status != health.HealthStatusProgressing {
			return fmt.Errorf("%v, %v", found, err)
		}
		late := map[string]any{"conditions": []any{map[string]any{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}}}
		if err := a.Status(ctx, object, late); err != nil {
			return err
		}
		if got, err = a.Live(ctx, object); err != nil {
			return err
		}
		found, err = health.GetResourceHealth(got, nil)
		if err != nil || found.Status != health.HealthStatusDegraded {
			return fmt.Errorf("%v, %v", found, err)
		}
		return nil
	})
	letters := a.One("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: letters.APP.example.com }\nspec: { group: APP.example.com, scope: Cluster, " +
		"names: { plural: letters, singular: letter, kind: Letter }, versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, " +
		"properties: { spec: { type: object, x-kubernetes-preserve-unknown-fields: true } } } } }] }\n")
	letter := a.One("apiVersion: APP.example.com/v1\nkind: Letter\nmetadata: { name: a }\nspec: { text: hello }\n")
	// Pruned in the reverse order, so that the definition is still there when its object goes.
	annotated(letter, "sync-wave", "1")
	kind := schema.GroupKind{Group: "argo.example.com", Kind: "Letter"}
	a.Check("a definition and its object are delivered at once, and watched", func() error {
		o, err := a.synced(ctx, "letters", []*unstructured.Unstructured{letter, letters})
		if err != nil {
			return err
		}
		return errors.Join(tenant.Holds(o.of("Letter", "a").Message, "letter.argo.example.com/a created"), a.cached(ctx, a.key(letter), true))
	})
	a.Check("with its definition a kind goes from the cache", func() error {
		if _, err := a.synced(ctx, "letters", nil, sync.WithPrune(true)); err != nil {
			return err
		}
		if err := errors.Join(a.cached(ctx, a.key(letters), false), a.cached(ctx, a.key(letter), false)); err != nil {
			return err
		}
		return tenant.Eventually(ctx, func() error {
			for _, each := range a.cache.GetAPIResources() {
				if each.GroupKind == kind {
					return errors.New("the cache still has the kind")
				}
			}
			// kube-apiserver tells its OpenAPI later than its events.
			if !tenant.Reference && a.cache.GetGVKParser().Type(letter.GroupVersionKind()) != nil {
				return errors.New("the schema is still there")
			}
			return nil
		})
	})
	a.Check("with a definition that comes back its kind comes back", func() error {
		if _, err := a.synced(ctx, "letters", []*unstructured.Unstructured{letters, letter}); err != nil {
			return err
		}
		return errors.Join(a.cached(ctx, a.key(letter), true), a.Expect(ctx, letter, "hello", "spec", "text"))
	})
	a.Check("a cache that is thrown away fills again with the same", func() error {
		count := len(a.cache.FindResources("argo"))
		a.cache.Invalidate()
		if err := a.cache.EnsureSynced(); err != nil {
			return err
		}
		if again := len(a.cache.FindResources("argo")); again != count {
			return fmt.Errorf("%d resources, then %d", count, again)
		}
		return nil
	})
}
