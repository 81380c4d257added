package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"conformance/gitops/tenant"
)

// failing checks failed hooks, terminations, and what the tool tells its user of manifests that cannot be applied.
func (a *argo) failing(ctx context.Context) {
	a.Check("a failed hook fails the synchronisation, and the hook for failures runs", func() error {
		settings := a.ConfigMap("not-reached")
		before := a.hook("breaks", "hook", "PreSync", "hook-delete-policy", "HookFailed")
		cleaner := a.hook("cleans", "hook", "SyncFail")
		stop := a.playing(ctx, func(object *unstructured.Unstructured) map[string]any {
			if object.GetName() == "breaks" {
				return tenant.Job("Failed")
			}
			return well(object)
		})
		o, err := a.sync(ctx, "fails", []*unstructured.Unstructured{settings, before, cleaner})
		if err := errors.Join(err, stop()); err != nil {
			return err
		}
		if result := o.of("Job", "cleans"); result.HookPhase != common.OperationSucceeded {
			return fmt.Errorf("%s: %s", result.HookPhase, result.Message)
		}
		_, err = a.Live(ctx, cleaner)
		return errors.Join(o.ended(common.OperationFailed), err, a.Gone(ctx, settings), a.cached(ctx, a.key(before), false),
			tenant.Holds(o.message, "one or more synchronization tasks completed unsuccessfully"))
	})
	a.Check("a terminated synchronisation takes its running hook away", func() error {
		before := a.hook("endless", "hook", "PreSync")
		state, err := a.state("ends", []*unstructured.Unstructured{before})
		if err != nil {
			return err
		}
		running, cleanup, err := sync.NewSyncContext("1", state, a.Config, a.Config, a.kubectl, "argo", a.cache.GetOpenAPISchema(), sync.WithLogr(logr.Discard()))
		if err != nil {
			return err
		}
		defer cleanup()
		running.Sync()
		if phase, message, _ := running.GetState(); phase != common.OperationRunning {
			return fmt.Errorf("%s: %s", phase, message)
		}
		if err := a.cached(ctx, a.key(before), true); err != nil {
			return err
		}
		// Its controller looks anew before it terminates.
		phase, message, results := running.GetState()
		if state, err = a.state("ends", []*unstructured.Unstructured{before}); err != nil {
			return err
		}
		ending, cleanupEnding, err := sync.NewSyncContext("1", state, a.Config, a.Config, a.kubectl, "argo", a.cache.GetOpenAPISchema(),
			sync.WithLogr(logr.Discard()), sync.WithInitialState(phase, message, results, metav1.Now()))
		if err != nil {
			return err
		}
		defer cleanupEnding()
		ending.Terminate()
		phase, message, _ = ending.GetState()
		if phase != common.OperationFailed || message != "Operation terminated" {
			return fmt.Errorf("%s: %s", phase, message)
		}
		if !tenant.ControllersRun {
			return nil
		}
		return tenant.Eventually(ctx, func() error { return a.Gone(ctx, before) })
	})
	for _, each := range []struct {
		what     string
		manifest string
		parts    []string
	}{
		{
			"a value of another type", "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: bad, namespace: APP }\nspec: { replicas: many }\n",
			[]string{"spec.replicas"},
		},
		{
			"an unknown kind", "apiVersion: APP.example.com/v1\nkind: Stamp\nmetadata: { name: bad, namespace: APP }\n",
			[]string{`Stamp.argo.example.com "" not found`},
		},
		{
			"an unknown group", "apiVersion: nothing.example.com/v1\nkind: Stamp\nmetadata: { name: bad, namespace: APP }\n",
			[]string{"the server could not find the requested resource"},
		},
		{
			"a namespace that is not there", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad, namespace: nowhere }\n",
			[]string{`namespaces "nowhere" not found`},
		},
		{
			"a custom object that breaks its schema", "apiVersion: APP.example.com/v1\nkind: Parcel\nmetadata: { name: bad, namespace: APP }\nspec: { to: Ulm, weight: 99 }\n",
			[]string{`Parcel.argo.example.com "bad" is invalid: spec.weight: Invalid value: 99: spec.weight in body should be less than or equal to 30`},
		},
		{
			"a custom object that breaks its rule", "apiVersion: APP.example.com/v1\nkind: Parcel\nmetadata: { name: bad, namespace: APP }\nspec: { to: Ulm, from: Ulm }\n",
			[]string{`Parcel.argo.example.com "bad" is invalid: spec: Invalid value`, "a parcel does not go to where it comes from"},
		},
		{
			"a bad name", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Bad_Name, namespace: APP }\n",
			[]string{`ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of`},
		},
		{
			"a stale resource version", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: APP, resourceVersion: '1', annotations: { argocd.argoproj.io/sync-options: Replace=true } }\n" +
				"data: { colour: green, size: large }\n",
			[]string{`Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again`},
		},
	} {
		a.Check("refused: "+each.what, func() error {
			bad := a.One(each.manifest)
			o, err := a.sync(ctx, "bad-"+bad.GetKind(), []*unstructured.Unstructured{bad})
			if err != nil {
				return err
			}
			return errors.Join(o.ended(common.OperationFailed), tenant.Holds(o.of(bad.GetKind(), bad.GetName()).Message, each.parts...))
		})
	}
	a.Check("refused: by an admission policy", func() error {
		policy := a.Read("policy.yaml")
		if _, err := a.synced(ctx, "policy", policy); err != nil {
			return err
		}
		attempts := 0
		err := tenant.Eventually(ctx, func() error {
			// kube-apiserver lets some through before it knows the policy.
			attempts++
			name := fmt.Sprintf("bad-%d", attempts)
			o, err := a.sync(ctx, "bad", []*unstructured.Unstructured{a.ConfigMap(name, "password", "b")})
			if err != nil {
				return err
			}
			return errors.Join(o.ended(common.OperationFailed), tenant.Holds(o.of("ConfigMap", name).Message,
				`configmaps "`+name+`" is forbidden: ValidatingAdmissionPolicy 'argo-no-secrets' with binding 'argo-no-secrets' denied request: config map `+name+` holds a password`))
		})
		return errors.Join(err, a.cached(ctx, a.key(policy[0]), true), a.cached(ctx, a.key(policy[1]), true))
	})
}
