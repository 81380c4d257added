package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/ssa/utils"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// tenantLabel stands on everything that a tool delivers, and says whose it is.
const tenantLabel = "example.com/tenant"

//go:embed manifests
var manifests embed.FS

// tenant is one tool in one workspace.
type tenant struct {
	name   string
	tool   string
	config *rest.Config
	client client.Client
}

func newTenant(name, tool string, config *rest.Config) (*tenant, error) {
	c, err := client.New(config, client.Options{})
	return &tenant{name: name, tool: tool, config: config, client: c}, err
}

// check runs one check and reports it; an error ends nothing.
func (t *tenant) check(what string, run func() error) bool {
	err := run()
	report(fmt.Sprintf("%s %s: %s", t.name, t.tool, what), err)
	return err == nil
}

// read answers the objects of a manifest, in the tool's namespace and with the tenant's label.
func (t *tenant) read(file string) []*unstructured.Unstructured {
	text, err := manifests.ReadFile("manifests/" + file)
	if err != nil {
		panic(err)
	}
	return t.parse(string(text))
}

// parse is read for a text. APP stands for the tool.
func (t *tenant) parse(text string) []*unstructured.Unstructured {
	objects, err := utils.ReadObjects(bytes.NewReader([]byte(strings.ReplaceAll(text, "APP", t.tool))))
	if err != nil {
		panic(err)
	}
	utils.SetCommonMetadata(objects, map[string]string{tenantLabel: t.name}, nil)
	return objects
}

// one is parse for a single object.
func (t *tenant) one(text string) *unstructured.Unstructured {
	return t.parse(text)[0]
}

// configMap is a manifest of a config map with one entry for each pair.
func (t *tenant) configMap(name string, pairs ...string) *unstructured.Unstructured {
	object := t.one("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: " + name + ", namespace: APP }\n")
	data := map[string]any{}
	for at := 0; at < len(pairs); at += 2 {
		data[pairs[at]] = pairs[at+1]
	}
	object.Object["data"] = data
	return object
}

// find answers the object of that kind and name, in objects.
func find(objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	panic("no " + kind + " " + name)
}

// without answers objects but for the one of that kind and name.
func without(objects []*unstructured.Unstructured, kind, name string) []*unstructured.Unstructured {
	var kept []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() != kind || object.GetName() != name {
			kept = append(kept, object)
		}
	}
	return kept
}

func copies(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	copied := make([]*unstructured.Unstructured, len(objects))
	for at, object := range objects {
		copied[at] = object.DeepCopy()
	}
	return copied
}

// live reads what the server has of object.
func (t *tenant) live(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	got := &unstructured.Unstructured{}
	got.SetGroupVersionKind(object.GroupVersionKind())
	err := t.client.Get(ctx, client.ObjectKeyFromObject(object), got)
	return got, err
}

// gone fails while the server has object.
func (t *tenant) gone(ctx context.Context, object *unstructured.Unstructured) error {
	_, err := t.live(ctx, object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("%s is still there: %v", utils.FmtUnstructured(object), err)
}

// patch merges a change into object as the given manager.
func (t *tenant) patch(ctx context.Context, object *unstructured.Unstructured, manager string, change string) error {
	return t.client.Patch(ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(change)), client.FieldOwner(manager))
}

// status writes an object's status as its controller would; its observedGeneration is the object's generation.
func (t *tenant) status(ctx context.Context, object *unstructured.Unstructured, status map[string]any) error {
	got, err := t.live(ctx, object)
	if err != nil {
		return err
	}
	if got.GetKind() != "Job" && got.GetKind() != "Ingress" {
		status["observedGeneration"] = got.GetGeneration()
	}
	text, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	return t.client.Status().Patch(ctx, got, client.RawPatch(types.MergePatchType, text), client.FieldOwner("controller"))
}

// versions answers the resource versions of objects.
func (t *tenant) versions(ctx context.Context, objects []*unstructured.Unstructured) (map[string]string, error) {
	versions := map[string]string{}
	for _, object := range objects {
		got, err := t.live(ctx, object)
		if err != nil {
			return nil, err
		}
		versions[utils.FmtUnstructured(object)] = got.GetResourceVersion()
	}
	return versions, nil
}

// text answers a field as text; "<none>" where there is none.
func text(object *unstructured.Unstructured, path ...string) string {
	value, found, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	if err != nil || !found {
		return "<none>"
	}
	return fmt.Sprint(value)
}

// expect fails unless the field of the live object is as wanted.
func (t *tenant) expect(ctx context.Context, object *unstructured.Unstructured, want string, path ...string) error {
	got, err := t.live(ctx, object)
	if err != nil {
		return err
	}
	if found := text(got, path...); found != want {
		return fmt.Errorf("%s of %s is %s, want %s", strings.Join(path, "."), utils.FmtUnstructured(object), found, want)
	}
	return nil
}

// managers answers who manages object, as manager/operation.
func managers(object *unstructured.Unstructured) string {
	var names []string
	for _, entry := range object.GetManagedFields() {
		names = append(names, entry.Manager+"/"+string(entry.Operation))
	}
	return strings.Join(names, " ")
}

// said fails unless the text of err holds every part.
func said(err error, parts ...string) error {
	if err == nil {
		return fmt.Errorf("no error, want %q", parts)
	}
	return holds(err.Error(), parts...)
}

func holds(text string, parts ...string) error {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return fmt.Errorf("got %q, want %q in it", text, part)
		}
	}
	return nil
}

// conditions is the status of something that a controller has brought to an end.
func conditions(of ...string) map[string]any {
	var list []any
	for _, each := range of {
		list = append(list, map[string]any{
			"type": each, "status": "True", "reason": "Checked", "message": "written by the check",
			"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		})
	}
	return map[string]any{"conditions": list}
}

// job is the status of a Job that ended with the condition, as the Job controller writes it.
func job(condition string) map[string]any {
	now := metav1.Now().UTC().Format("2006-01-02T15:04:05Z")
	status := map[string]any{"startTime": now, "uncountedTerminatedPods": map[string]any{}}
	if condition == "Complete" {
		status["succeeded"], status["completionTime"] = 1, now
		status["conditions"] = conditions("SuccessCriteriaMet", "Complete")["conditions"]
		return status
	}
	status["failed"] = 1
	status["conditions"] = conditions("FailureTarget", "Failed")["conditions"]
	return status
}

// onlyOurs fails when a list of the workspace holds what another tenant labelled.
func (t *tenant) onlyOurs(ctx context.Context, group, version, kind string) error {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(strings.TrimPrefix(group+"/"+version, "/"))
	list.SetKind(kind + "List")
	if err := t.client.List(ctx, list, client.HasLabels{tenantLabel}); err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return fmt.Errorf("no %s", kind)
	}
	for _, item := range list.Items {
		if owner := item.GetLabels()[tenantLabel]; owner != t.name {
			return fmt.Errorf("%s of %s", utils.FmtUnstructured(&item), owner)
		}
	}
	return nil
}
