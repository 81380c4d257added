package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// want fails unless the two texts are equal.
func want(what, got, wanted string) error {
	if got != wanted {
		return fmt.Errorf("%s: got %q, want %q", what, got, wanted)
	}
	return nil
}

// reason fails unless err is a Status of the given reason.
func reason(err error, wanted metav1.StatusReason) error {
	return want("reason", string(apierrors.ReasonForError(err)), string(wanted))
}

// typed does all verbs with the typed clientset, in protobuf and in JSON.
func typed(ctx context.Context, t *tenant) {
	for _, contentType := range []string{protobuf, jsonType} {
		client := t.client(contentType)
		maps := client.CoreV1().ConfigMaps(t.ns)
		word := map[string]string{protobuf: "protobuf", jsonType: "json"}[contentType]
		name := "typed-" + word
		var made *corev1.ConfigMap
		t.check(word+" create", func() (err error) {
			made, err = maps.Create(ctx, t.configMap(name, "a", "1"), metav1.CreateOptions{})
			if err != nil {
				return err
			}
			if made.UID == "" || made.ResourceVersion == "" || made.CreationTimestamp.IsZero() {
				return fmt.Errorf("incomplete metadata: %+v", made.ObjectMeta)
			}
			return t.mine(made)
		})
		t.check(word+" create again is AlreadyExists", func() error {
			_, err := maps.Create(ctx, t.configMap(name), metav1.CreateOptions{})
			return reason(err, metav1.StatusReasonAlreadyExists)
		})
		t.check(word+" get, binary data", func() error {
			object := t.configMap(name + "-binary")
			object.BinaryData = map[string][]byte{"raw": {0, 0xff, 0x80}}
			if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
				return err
			}
			got, err := maps.Get(ctx, object.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			return want("bytes", fmt.Sprintf("%x", got.BinaryData["raw"]), "00ff80")
		})
		t.check(word+" get of none is NotFound, with details", func() error {
			_, err := maps.Get(ctx, "none", metav1.GetOptions{})
			status, ok := err.(*apierrors.StatusError)
			if !ok || status.ErrStatus.Details == nil {
				return fmt.Errorf("no status with details: %v", err)
			}
			return want("status", fmt.Sprintf("%s %d %s %s", status.ErrStatus.Reason, status.ErrStatus.Code, status.ErrStatus.Details.Kind,
				status.ErrStatus.Message), `NotFound 404 configmaps configmaps "none" not found`)
		})
		t.check(word+" update, no-op update, stale update", func() error {
			changed := made.DeepCopy()
			changed.Data["a"] = "2"
			second, err := maps.Update(ctx, changed, metav1.UpdateOptions{})
			if err != nil {
				return err
			}
			if second.ResourceVersion == made.ResourceVersion {
				return fmt.Errorf("an update kept the resourceVersion")
			}
			third, err := maps.Update(ctx, second.DeepCopy(), metav1.UpdateOptions{})
			if err != nil {
				return err
			}
			if third.ResourceVersion != second.ResourceVersion {
				return fmt.Errorf("a no-op update changed the resourceVersion")
			}
			_, err = maps.Update(ctx, changed, metav1.UpdateOptions{})
			return reason(err, metav1.StatusReasonConflict)
		})
		t.check(word+" patches", func() error {
			patches := []struct {
				kind types.PatchType
				body string
			}{
				{types.StrategicMergePatchType, `{"data":{"s":"1"}}`},
				{types.MergePatchType, `{"data":{"m":"1"}}`},
				{types.JSONPatchType, `[{"op":"add","path":"/data/j","value":"1"}]`},
			}
			var got *corev1.ConfigMap
			for _, each := range patches {
				var err error
				if got, err = maps.Patch(ctx, name, each.kind, []byte(each.body), metav1.PatchOptions{}); err != nil {
					return err
				}
			}
			return want("data", got.Data["s"]+got.Data["m"]+got.Data["j"], "111")
		})
		t.check(word+" invalid object is Invalid with causes", func() error {
			bad := t.configMap(name + "-bad")
			bad.Data["no good"] = "x"
			_, err := maps.Create(ctx, bad, metav1.CreateOptions{})
			if err := reason(err, metav1.StatusReasonInvalid); err != nil {
				return err
			}
			causes := err.(*apierrors.StatusError).ErrStatus.Details.Causes
			if len(causes) != 1 {
				return fmt.Errorf("causes: %+v", causes)
			}
			return want("cause", string(causes[0].Type)+" "+causes[0].Field, "FieldValueInvalid data[no good]")
		})
		t.check(word+" dry run stores nothing", func() error {
			_, err := maps.Create(ctx, t.configMap(name+"-dry"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil {
				return err
			}
			_, err = maps.Get(ctx, name+"-dry", metav1.GetOptions{})
			return reason(err, metav1.StatusReasonNotFound)
		})
		t.check(word+" generateName", func() error {
			object := t.configMap("")
			object.GenerateName = "made-"
			got, err := maps.Create(ctx, object, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			return want("length", strconv.Itoa(len(got.Name)), strconv.Itoa(len("made-")+5))
		})
		t.check(word+" lease with micro times", func() error {
			now := metav1.NowMicro()
			holder := "me"
			lease := &coordinationv1.Lease{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, RenewTime: &now},
			}
			got, err := client.CoordinationV1().Leases(t.ns).Create(ctx, lease, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			return want("time", got.Spec.RenewTime.UTC().Format(metav1.RFC3339Micro), now.UTC().Format(metav1.RFC3339Micro))
		})
		t.check(word+" list sees its own only", func() error {
			list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "suite=go"})
			if err != nil {
				return err
			}
			if len(list.Items) < 3 || list.ResourceVersion == "" {
				return fmt.Errorf("%d items at %q", len(list.Items), list.ResourceVersion)
			}
			for at := range list.Items {
				if err := t.mine(&list.Items[at]); err != nil {
					return err
				}
			}
			return nil
		})
		t.check(word+" delete: preconditions, success, NotFound", func() error {
			uid, stale := types.UID("other"), "1"
			err := maps.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
			if err := reason(err, metav1.StatusReasonConflict); err != nil {
				return err
			}
			err = maps.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &stale}})
			if err := reason(err, metav1.StatusReasonConflict); err != nil {
				return err
			}
			if err := maps.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
				return err
			}
			return reason(maps.Delete(ctx, name, metav1.DeleteOptions{}), metav1.StatusReasonNotFound)
		})
		t.check(word+" deletecollection by label", func() error {
			if err := maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "suite=go"}); err != nil {
				return err
			}
			list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "suite=go"})
			if err != nil {
				return err
			}
			return want("left", strconv.Itoa(len(list.Items)), "0")
		})
	}
}

// conflict lets parallel writers count in one object: no increment may be lost.
func conflict(ctx context.Context, t *tenant) {
	const writers, increments = 8, 15
	maps := t.client(protobuf).CoreV1().ConfigMaps(t.ns)
	t.check("parallel writers lose no update", func() error {
		if _, err := maps.Create(ctx, t.configMap("counter", "n", "0"), metav1.CreateOptions{}); err != nil {
			return err
		}
		backoff := retry.DefaultBackoff
		backoff.Steps = 60
		backoff.Factor = 1.2
		failed := make(chan error, writers)
		var running sync.WaitGroup
		for range writers {
			running.Go(func() {
				for range increments {
					err := retry.RetryOnConflict(backoff, func() error {
						object, err := maps.Get(ctx, "counter", metav1.GetOptions{})
						if err != nil {
							return err
						}
						n, err := strconv.Atoi(object.Data["n"])
						if err != nil {
							return err
						}
						object.Data["n"] = strconv.Itoa(n + 1)
						_, err = maps.Update(ctx, object, metav1.UpdateOptions{})
						return err
					})
					if err != nil {
						failed <- err
						return
					}
				}
			})
		}
		running.Wait()
		close(failed)
		for err := range failed {
			return err
		}
		object, err := maps.Get(ctx, "counter", metav1.GetOptions{})
		if err != nil {
			return err
		}
		return want("count", object.Data["n"], strconv.Itoa(writers*increments))
	})
}
