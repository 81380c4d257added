package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// dynamicClient does CRUD, a watch and an informer with unstructured objects.
func dynamicClient(ctx context.Context, t *tenant) {
	all := dynamic.NewForConfigOrDie(t.config)
	maps := all.Resource(configMaps).Namespace(t.ns)
	object := func(name string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": name, "labels": map[string]any{"suite": "go"}},
			"data":     map[string]any{tenantKey: t.name()},
		}}
	}
	owner := func(got *unstructured.Unstructured) error {
		name, _, _ := unstructured.NestedString(got.Object, "data", tenantKey)
		return want("owner", name, t.name())
	}
	t.check("create, get, update, patch, delete", func() error {
		made, err := maps.Create(ctx, object("one"), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if err := unstructured.SetNestedField(made.Object, "1", "data", "a"); err != nil {
			return err
		}
		if _, err := maps.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
			return err
		}
		if _, err := maps.Update(ctx, made, metav1.UpdateOptions{}); reason(err, metav1.StatusReasonConflict) != nil {
			return fmt.Errorf("stale update: %v", err)
		}
		if _, err := maps.Patch(ctx, "one", types.MergePatchType, []byte(`{"data":{"b":"2"}}`), metav1.PatchOptions{}); err != nil {
			return err
		}
		got, err := maps.Get(ctx, "one", metav1.GetOptions{})
		if err != nil {
			return err
		}
		data, _, _ := unstructured.NestedStringMap(got.Object, "data")
		if err := want("data", data["a"]+data["b"], "12"); err != nil {
			return err
		}
		if err := owner(got); err != nil {
			return err
		}
		return maps.Delete(ctx, "one", metav1.DeleteOptions{})
	})
	t.check("informer with streaming list", func() error {
		for at := range 20 {
			if _, err := maps.Create(ctx, object(fmt.Sprintf("seen-%d", at)), metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		informer := dynamicinformer.NewFilteredDynamicSharedInformerFactory(all, 0, t.ns, func(options *metav1.ListOptions) {
			options.LabelSelector = "suite=go"
		}).ForResource(configMaps).Informer()
		stop := make(chan struct{})
		defer close(stop)
		go informer.Run(stop)
		if err := eventually(ctx, "20 in the cache", func() bool { return informer.HasSynced() && len(informer.GetStore().List()) == 20 }); err != nil {
			return err
		}
		for _, each := range informer.GetStore().List() {
			if err := owner(each.(*unstructured.Unstructured)); err != nil {
				return err
			}
		}
		if err := maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "suite=go"}); err != nil {
			return err
		}
		return eventually(ctx, "none in the cache", func() bool { return len(informer.GetStore().List()) == 0 })
	})
}

// metadataClient lists, watches and deletes by metadata alone (protobuf PartialObjectMetadata).
func metadataClient(ctx context.Context, t *tenant) {
	all := metadata.NewForConfigOrDie(t.config)
	maps := all.Resource(configMaps).Namespace(t.ns)
	typedMaps := t.client(protobuf).CoreV1().ConfigMaps(t.ns)
	t.check("get, list, patch", func() error {
		for at := range 5 {
			object := t.configMap("meta-" + strconv.Itoa(at))
			object.Annotations = map[string]string{"owner": t.name()}
			if _, err := typedMaps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		got, err := maps.Get(ctx, "meta-0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := want("owner", got.Annotations["owner"], t.name()); err != nil {
			return err
		}
		list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "suite=go", Limit: 2})
		if err != nil {
			return err
		}
		if len(list.Items) != 2 || list.Continue == "" {
			return fmt.Errorf("%d items, continue %q", len(list.Items), list.Continue)
		}
		patched, err := maps.Patch(ctx, "meta-0", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{})
		if err != nil {
			return err
		}
		return want("label", patched.Labels["x"], "y")
	})
	t.check("watch", func() error {
		list, err := maps.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		stream, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
		if err != nil {
			return err
		}
		defer stream.Stop()
		if err := typedMaps.Delete(ctx, "meta-1", metav1.DeleteOptions{}); err != nil {
			return err
		}
		select {
		case event := <-stream.ResultChan():
			object, ok := event.Object.(*metav1.PartialObjectMetadata)
			if !ok || event.Type != watch.Deleted {
				return fmt.Errorf("event %s of %T", event.Type, event.Object)
			}
			return want("event", object.Name, "meta-1")
		case <-time.After(patience):
			return fmt.Errorf("no event in %s", patience)
		}
	})
	t.check("informer with streaming list", func() error {
		informer := metadatainformer.NewFilteredSharedInformerFactory(all, 0, t.ns, func(options *metav1.ListOptions) {
			options.LabelSelector = "suite=go"
		}).ForResource(configMaps).Informer()
		stop := make(chan struct{})
		defer close(stop)
		go informer.Run(stop)
		if err := eventually(ctx, "4 in the cache", func() bool { return informer.HasSynced() && len(informer.GetStore().List()) == 4 }); err != nil {
			return err
		}
		for _, each := range informer.GetStore().List() {
			if err := want("owner", each.(*metav1.PartialObjectMetadata).Annotations["owner"], t.name()); err != nil {
				return err
			}
		}
		return nil
	})
}

// eventually waits for the condition.
func eventually(ctx context.Context, what string, condition func() bool) error {
	end := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("not within %s: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}
