package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	clientinformers "k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"conformance/checks"
)

// journal is what an informer's handlers saw.
type journal struct {
	sync.Mutex
	added, updated, deleted map[string]int
	foreign                 error
}

// record gives handlers that count, and notice objects of another tenant.
func (t *tenant) record() (*journal, cache.ResourceEventHandlerFuncs) {
	seen := &journal{added: map[string]int{}, updated: map[string]int{}, deleted: map[string]int{}}
	count := func(into map[string]int, object any) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		got := object.(*corev1.ConfigMap)
		seen.Lock()
		defer seen.Unlock()
		into[got.Name]++
		if err := t.mine(got); err != nil {
			seen.foreign = err
		}
	}
	return seen, cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { count(seen.added, object) },
		UpdateFunc: func(_, object any) { count(seen.updated, object) },
		DeleteFunc: func(object any) { count(seen.deleted, object) },
	}
}

// once fails unless each of the names was counted exactly once.
func (seen *journal) once(counts map[string]int, names ...string) error {
	seen.Lock()
	defer seen.Unlock()
	for _, name := range names {
		if counts[name] != 1 {
			return fmt.Errorf("%s was seen %d times", name, counts[name])
		}
	}
	return seen.foreign
}

// informers runs shared informers in protobuf and JSON, with streaming lists (client-go's default).
func informers(ctx context.Context, t *tenant) {
	const before = 40
	for _, contentType := range []string{protobuf, jsonType} {
		word := map[string]string{protobuf: "protobuf", jsonType: "json"}[contentType]
		client := t.client(contentType)
		maps := client.CoreV1().ConfigMaps(t.ns)
		name := func(at int) string { return fmt.Sprintf("%s-%d", word, at) }
		labelled := func(at int) *corev1.ConfigMap {
			object := t.configMap(name(at), "n", "0")
			object.Labels["form"] = word
			return object
		}
		t.check(word+" objects before", func() error {
			for at := range before {
				if _, err := maps.Create(ctx, labelled(at), metav1.CreateOptions{}); err != nil {
					return err
				}
			}
			return nil
		})
		factory := clientinformers.NewSharedInformerFactoryWithOptions(client, 0, clientinformers.WithNamespace(t.ns),
			clientinformers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = "form=" + word }))
		informer := factory.Core().V1().ConfigMaps().Informer()
		seen, handlers := t.record()
		if _, err := informer.AddEventHandler(handlers); err != nil {
			checks.Report(word+" handler", err)
			return
		}
		stop := make(chan struct{})
		factory.Start(stop)
		t.check(word+" initial sync", func() error {
			return eventually(ctx, "synced", func() bool {
				return informer.HasSynced() && len(informer.GetStore().ListKeys()) == before
			})
		})
		t.check(word+" add, update, leave and enter the selector, delete", func() error {
			if _, err := maps.Create(ctx, labelled(before), metav1.CreateOptions{}); err != nil {
				return err
			}
			change := func(at int, edit func(*corev1.ConfigMap)) error {
				object, err := maps.Get(ctx, name(at), metav1.GetOptions{})
				if err != nil {
					return err
				}
				edit(object)
				_, err = maps.Update(ctx, object, metav1.UpdateOptions{})
				return err
			}
			if err := change(0, func(object *corev1.ConfigMap) { object.Data["n"] = "1" }); err != nil {
				return err
			}
			if err := change(1, func(object *corev1.ConfigMap) { object.Labels["form"] = "other" }); err != nil {
				return err
			}
			if err := change(2, func(object *corev1.ConfigMap) { object.Labels["form"] = "other" }); err != nil {
				return err
			}
			if err := change(2, func(object *corev1.ConfigMap) { object.Labels["form"] = word }); err != nil {
				return err
			}
			if err := maps.Delete(ctx, name(3), metav1.DeleteOptions{}); err != nil {
				return err
			}
			err := eventually(ctx, "all events", func() bool {
				seen.Lock()
				defer seen.Unlock()
				return seen.added[name(before)] == 1 && seen.updated[name(0)] == 1 && seen.deleted[name(1)] == 1 &&
					seen.deleted[name(2)] == 1 && seen.added[name(2)] == 2 && seen.deleted[name(3)] == 1
			})
			if err != nil {
				return err
			}
			if err := seen.once(seen.added, name(0), name(1), name(3), name(before-1), name(before)); err != nil {
				return err
			}
			return seen.once(seen.deleted, name(1), name(2), name(3))
		})
		close(stop)
		factory.Shutdown()
	}
}

// next is the stream's next event that is no bookmark, or an error when none comes.
func next(stream watch.Interface, bookmarks bool) (watch.Event, error) {
	for {
		select {
		case event, open := <-stream.ResultChan():
			if !open {
				return event, fmt.Errorf("the stream ended")
			}
			if event.Type == watch.Bookmark && !bookmarks {
				continue
			}
			return event, nil
		case <-time.After(patience):
			return watch.Event{}, fmt.Errorf("no event in %s", patience)
		}
	}
}

// expect takes one event and compares its type and the object's name.
func (t *tenant) expect(stream watch.Interface, kind watch.EventType, name string) (*corev1.ConfigMap, error) {
	event, err := next(stream, false)
	if err != nil {
		return nil, err
	}
	object, ok := event.Object.(*corev1.ConfigMap)
	if !ok {
		return nil, fmt.Errorf("%s of %T: %+v", event.Type, event.Object, event.Object)
	}
	if err := want("event", string(event.Type)+" "+object.Name, string(kind)+" "+name); err != nil {
		return nil, err
	}
	return object, t.mine(object)
}

// watches opens watches in each of the ways that a client may.
func watches(ctx context.Context, t *tenant) {
	client := t.client(protobuf)
	maps := client.CoreV1().ConfigMaps(t.ns)
	create := func(name string) (*corev1.ConfigMap, error) {
		return maps.Create(ctx, t.configMap(name), metav1.CreateOptions{})
	}
	t.check("streaming list: initial events, then the closing bookmark", func() error {
		names := []string{"w-0", "w-1", "w-2"}
		for _, name := range names {
			if _, err := create(name); err != nil {
				return err
			}
		}
		yes := true
		stream, err := maps.Watch(ctx, metav1.ListOptions{
			SendInitialEvents: &yes, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
			AllowWatchBookmarks: true, LabelSelector: "suite=go",
		})
		if err != nil {
			return err
		}
		defer stream.Stop()
		var got []string
		for range names {
			event, err := next(stream, true)
			if err != nil {
				return err
			}
			object, ok := event.Object.(*corev1.ConfigMap)
			if !ok || event.Type != watch.Added {
				return fmt.Errorf("event %s of %T", event.Type, event.Object)
			}
			if err := t.mine(object); err != nil {
				return err
			}
			got = append(got, object.Name)
		}
		sort.Strings(got)
		if err := want("names", fmt.Sprint(got), fmt.Sprint(names)); err != nil {
			return err
		}
		event, err := next(stream, true)
		if err != nil {
			return err
		}
		object, ok := event.Object.(*corev1.ConfigMap)
		if !ok || event.Type != watch.Bookmark || object.Annotations[metav1.InitialEventsAnnotationKey] != "true" {
			return fmt.Errorf("no closing bookmark: %s %+v", event.Type, event.Object)
		}
		if object.ResourceVersion == "" || object.Name != "" {
			return fmt.Errorf("bookmark: %+v", object.ObjectMeta)
		}
		if _, err := create("w-3"); err != nil {
			return err
		}
		_, err = t.expect(stream, watch.Added, "w-3")
		return err
	})
	t.check("from a version: exactly what came after it, in order", func() error {
		first, err := create("r-0")
		if err != nil {
			return err
		}
		if _, err := create("r-1"); err != nil {
			return err
		}
		first.Data["n"] = "1"
		if _, err := maps.Update(ctx, first, metav1.UpdateOptions{}); err != nil {
			return err
		}
		if err := maps.Delete(ctx, "r-1", metav1.DeleteOptions{}); err != nil {
			return err
		}
		stream, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: first.ResourceVersion})
		if err != nil {
			return err
		}
		defer stream.Stop()
		created, err := t.expect(stream, watch.Added, "r-1")
		if err != nil {
			return err
		}
		if _, err := t.expect(stream, watch.Modified, "r-0"); err != nil {
			return err
		}
		gone, err := t.expect(stream, watch.Deleted, "r-1")
		if err != nil {
			return err
		}
		if gone.ResourceVersion == created.ResourceVersion {
			return fmt.Errorf("the deletion has no version of its own")
		}
		return nil
	})
	t.check("without a version: what is there comes as ADDED", func() error {
		stream, err := maps.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=r-0"})
		if err != nil {
			return err
		}
		defer stream.Stop()
		_, err = t.expect(stream, watch.Added, "r-0")
		return err
	})
	t.check("timeoutSeconds ends the stream", func() error {
		one := int64(1)
		stream, err := maps.Watch(ctx, metav1.ListOptions{TimeoutSeconds: &one, FieldSelector: "metadata.name=none"})
		if err != nil {
			return err
		}
		defer stream.Stop()
		select {
		case event, open := <-stream.ResultChan():
			if open {
				return fmt.Errorf("an event: %s", event.Type)
			}
			return nil
		case <-time.After(patience):
			return fmt.Errorf("still open after %s", patience)
		}
	})
	t.check("field selectors: by name, and an unknown one is BadRequest", func() error {
		list, err := maps.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=r-0"})
		if err != nil {
			return err
		}
		if err := want("items", strconv.Itoa(len(list.Items)), "1"); err != nil {
			return err
		}
		_, err = maps.List(ctx, metav1.ListOptions{FieldSelector: "data.x=1"})
		return reason(err, metav1.StatusReasonBadRequest)
	})
}

// paging reads a list page by page.
func paging(ctx context.Context, t *tenant) {
	const objects, page = 47, 10
	maps := t.client(protobuf).CoreV1().ConfigMaps(t.ns)
	name := func(at int) string { return fmt.Sprintf("p-%02d", at) }
	t.check("objects", func() error {
		for at := range objects {
			if _, err := maps.Create(ctx, t.configMap(name(at)), metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(token string, match metav1.ListOptions) (*corev1.ConfigMapList, error) {
		match.Limit, match.Continue = page, token
		return maps.List(ctx, match)
	}
	t.check("pages of one version, whatever is written meanwhile", func() error {
		var names []string
		var version, token string
		for {
			got, err := list(token, metav1.ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"})
			if err != nil {
				return err
			}
			if version == "" {
				version = got.ResourceVersion
			}
			if err := want("version", got.ResourceVersion, version); err != nil {
				return err
			}
			for at := range got.Items {
				if err := t.mine(&got.Items[at]); err != nil {
					return err
				}
				names = append(names, got.Items[at].Name)
			}
			if token = got.Continue; token == "" {
				break
			}
			// Neither of these may be seen by later pages.
			at := len(names)
			if _, err := maps.Create(ctx, t.configMap(name(at)+"-new"), metav1.CreateOptions{}); err != nil {
				return err
			}
			if err := maps.Delete(ctx, name(at), metav1.DeleteOptions{}); err != nil {
				return err
			}
		}
		if err := want("count", strconv.Itoa(len(names)), strconv.Itoa(objects)); err != nil {
			return err
		}
		for at, each := range names {
			if err := want("name", each, name(at)); err != nil {
				return err
			}
		}
		return nil
	})
	t.check("remainingItemCount without selectors", func() error {
		// Over all namespaces: within one, a server may leave it out.
		everywhere := t.client(protobuf).CoreV1().ConfigMaps("")
		got, err := everywhere.List(ctx, metav1.ListOptions{Limit: page})
		if err != nil {
			return err
		}
		full, err := everywhere.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if got.RemainingItemCount == nil {
			return fmt.Errorf("no remainingItemCount")
		}
		return want("remaining", fmt.Sprint(*got.RemainingItemCount), strconv.Itoa(len(full.Items)-page))
	})
	t.check("a made-up token is BadRequest", func() error {
		_, err := list("bm9uc2Vuc2U", metav1.ListOptions{})
		return reason(err, metav1.StatusReasonBadRequest)
	})
	t.check("an exact old version", func() error {
		got, err := maps.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if _, err := maps.Create(ctx, t.configMap("after"), metav1.CreateOptions{}); err != nil {
			return err
		}
		again, err := maps.List(ctx, metav1.ListOptions{ResourceVersion: got.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
		if err != nil {
			return err
		}
		return want("count", strconv.Itoa(len(again.Items)), strconv.Itoa(len(got.Items)))
	})
	t.check("a version of the future is a timeout", func() error {
		// The answer says when to try again, and client-go would: ten times.
		err := t.client(protobuf).CoreV1().RESTClient().Get().MaxRetries(0).Namespace(t.ns).Resource("configmaps").
			Name(name(0)).Param("resourceVersion", "999999999999").Do(ctx).Error()
		if !apierrors.IsTimeout(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) {
			return fmt.Errorf("got %v", err)
		}
		return nil
	})
}

// follow prints every event of an informer until it is ended: the harness restarts the server meanwhile.
func follow(ctx context.Context, t *tenant) {
	client := t.client(protobuf)
	factory := clientinformers.NewSharedInformerFactoryWithOptions(client, 0, clientinformers.WithNamespace(t.ns),
		clientinformers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = "followed=yes" }))
	informer := factory.Core().V1().ConfigMaps().Informer()
	say := func(kind string, object any) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object, kind = gone.Obj, kind+"-unknown"
		}
		got := object.(*corev1.ConfigMap)
		checks.Emit(map[string]any{"event": kind, "tenant": t.index, "name": got.Name, "version": got.ResourceVersion, "n": got.Data["n"], "owner": got.Data[tenantKey]})
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { say("ADDED", object) },
		UpdateFunc: func(_, object any) { say("MODIFIED", object) },
		DeleteFunc: func(object any) { say("DELETED", object) },
	})
	if err != nil {
		checks.Report("handler", err)
		return
	}
	factory.Start(ctx.Done())
	t.check("synced", func() error { return eventually(ctx, "synced", informer.HasSynced) })
	<-ctx.Done()
}
