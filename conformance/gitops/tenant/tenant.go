// Package tenant is what the programs of the GitOps tools share: a tool in a workspace, what it delivers, and how it is
// checked.
package tenant

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"conformance/checks"
)

// Label stands on everything that a tool delivers, and says whose it is.
const Label = "example.com/tenant"

//go:embed manifests
var manifests embed.FS

// Tenant is one tool in one workspace.
type Tenant struct {
	Name   string
	Tool   string
	Config *rest.Config
	Client client.Client
}

func newTenant(name, tool string, config *rest.Config) (*Tenant, error) {
	c, err := client.New(config, client.Options{})
	return &Tenant{Name: name, Tool: tool, Config: config, Client: c}, err
}

// Check runs one check and reports it; an error ends nothing.
func (t *Tenant) Check(what string, run func() error) bool {
	err := run()
	checks.Report(fmt.Sprintf("%s %s: %s", t.Name, t.Tool, what), err)
	return err == nil
}

// Read answers the objects of a manifest, in the tool's namespace and with the tenant's label.
func (t *Tenant) Read(file string) []*unstructured.Unstructured {
	text, err := manifests.ReadFile("manifests/" + file)
	if err != nil {
		panic(err)
	}
	return t.Parse(string(text))
}

// Parse is read for a text. APP stands for the tool.
func (t *Tenant) Parse(text string) []*unstructured.Unstructured {
	reader := yaml.NewYAMLOrJSONDecoder(strings.NewReader(strings.ReplaceAll(text, "APP", t.Tool)), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		if err := reader.Decode(object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			panic(err)
		}
		labels := object.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[Label] = t.Name
		object.SetLabels(labels)
		objects = append(objects, object)
	}
}

// Subject answers kind/namespace/name of an object.
func Subject(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + "/" + object.GetName()
	}
	return object.GetKind() + "/" + object.GetNamespace() + "/" + object.GetName()
}

// One is parse for a single object.
func (t *Tenant) One(text string) *unstructured.Unstructured {
	return t.Parse(text)[0]
}

// ConfigMap is a manifest of a config map with one entry for each pair.
func (t *Tenant) ConfigMap(name string, pairs ...string) *unstructured.Unstructured {
	object := t.One("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: " + name + ", namespace: APP }\n")
	data := map[string]any{}
	for at := 0; at < len(pairs); at += 2 {
		data[pairs[at]] = pairs[at+1]
	}
	object.Object["data"] = data
	return object
}

// Find answers the object of that kind and name, in objects.
func Find(objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	panic("no " + kind + " " + name)
}

// Without answers objects but for the one of that kind and name.
func Without(objects []*unstructured.Unstructured, kind, name string) []*unstructured.Unstructured {
	var kept []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() != kind || object.GetName() != name {
			kept = append(kept, object)
		}
	}
	return kept
}

func Copies(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	copied := make([]*unstructured.Unstructured, len(objects))
	for at, object := range objects {
		copied[at] = object.DeepCopy()
	}
	return copied
}

// Live reads what the server has of object.
func (t *Tenant) Live(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	got := &unstructured.Unstructured{}
	got.SetGroupVersionKind(object.GroupVersionKind())
	err := t.Client.Get(ctx, client.ObjectKeyFromObject(object), got)
	return got, err
}

// Gone fails while the server has object.
func (t *Tenant) Gone(ctx context.Context, object *unstructured.Unstructured) error {
	_, err := t.Live(ctx, object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("%s is still there: %v", Subject(object), err)
}

// Patch merges a change into object as the given manager.
func (t *Tenant) Patch(ctx context.Context, object *unstructured.Unstructured, manager string, change string) error {
	return t.Client.Patch(ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(change)), client.FieldOwner(manager))
}

// Status writes an object's status as its controller would; its observedGeneration is the object's generation.
func (t *Tenant) Status(ctx context.Context, object *unstructured.Unstructured, status map[string]any) error {
	got, err := t.Live(ctx, object)
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
	return t.Client.Status().Patch(ctx, got, client.RawPatch(types.MergePatchType, text), client.FieldOwner("controller"))
}

// Versions answers the resource versions of objects.
func (t *Tenant) Versions(ctx context.Context, objects []*unstructured.Unstructured) (map[string]string, error) {
	versions := map[string]string{}
	for _, object := range objects {
		got, err := t.Live(ctx, object)
		if err != nil {
			return nil, err
		}
		versions[Subject(object)] = got.GetResourceVersion()
	}
	return versions, nil
}

// Unwritten fails if one of the objects has another resource version than before.
func (t *Tenant) Unwritten(ctx context.Context, objects []*unstructured.Unstructured, before map[string]string) error {
	after, err := t.Versions(ctx, objects)
	if err == nil && !maps.Equal(before, after) {
		err = fmt.Errorf("versions %v became %v", before, after)
	}
	return err
}

// Text answers a field as text; "<none>" where there is none.
func Text(object *unstructured.Unstructured, path ...string) string {
	value, found, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	if err != nil || !found {
		return "<none>"
	}
	return fmt.Sprint(value)
}

// Expect fails unless the field of the live object is as wanted.
func (t *Tenant) Expect(ctx context.Context, object *unstructured.Unstructured, want string, path ...string) error {
	got, err := t.Live(ctx, object)
	if err != nil {
		return err
	}
	if found := Text(got, path...); found != want {
		return fmt.Errorf("%s of %s is %s, want %s", strings.Join(path, "."), Subject(object), found, want)
	}
	return nil
}

// Managers answers who manages object, as manager/operation.
func Managers(object *unstructured.Unstructured) string {
	var names []string
	for _, entry := range object.GetManagedFields() {
		names = append(names, entry.Manager+"/"+string(entry.Operation))
	}
	return strings.Join(names, " ")
}

// Said fails unless the text of err holds every part.
func Said(err error, parts ...string) error {
	if err == nil {
		return fmt.Errorf("no error, want %q", parts)
	}
	return Holds(err.Error(), parts...)
}

func Holds(text string, parts ...string) error {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return fmt.Errorf("got %q, want %q in it", text, part)
		}
	}
	return nil
}

// Conditions is the status of something that a controller has brought to an end.
func Conditions(of ...string) map[string]any {
	var list []any
	for _, each := range of {
		list = append(list, map[string]any{
			"type": each, "status": "True", "reason": "Checked", "message": "written by the check",
			"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		})
	}
	return map[string]any{"conditions": list}
}

// Job is the status of a Job that ended with the condition, as the Job controller writes it.
func Job(condition string) map[string]any {
	now := metav1.Now().UTC().Format("2006-01-02T15:04:05Z")
	status := map[string]any{"startTime": now, "uncountedTerminatedPods": map[string]any{}}
	if condition == "Complete" {
		status["succeeded"], status["completionTime"] = 1, now
		status["conditions"] = Conditions("SuccessCriteriaMet", "Complete")["conditions"]
		return status
	}
	status["failed"] = 1
	status["conditions"] = Conditions("FailureTarget", "Failed")["conditions"]
	return status
}

// OnlyOurs fails when a list of the workspace holds what another tenant labelled.
func (t *Tenant) OnlyOurs(ctx context.Context, group, version, kind string) error {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(strings.TrimPrefix(group+"/"+version, "/"))
	list.SetKind(kind + "List")
	if err := t.Client.List(ctx, list, client.HasLabels{Label}); err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return fmt.Errorf("no %s", kind)
	}
	for _, item := range list.Items {
		if owner := item.GetLabels()[Label]; owner != t.Name {
			return fmt.Errorf("%s of %s", Subject(&item), owner)
		}
	}
	return nil
}
