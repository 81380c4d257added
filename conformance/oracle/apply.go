package main

import (
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// appliedType is a kind that field managers work on: a built-in one, or one of a CustomResourceDefinition.
type appliedType struct {
	typeArgs
	// CRD is a CustomResourceDefinition (v1); Kind may then be left out, and APIVersion chooses the version.
	CRD json.RawMessage `json:"crd"`
}

var builtInConverter = applyconfigurations.NewTypeConverter(builtIn)

// machinery is what a field manager needs to know about a kind.
type machinery struct {
	types     managedfields.TypeConverter
	converter runtime.ObjectConvertor
	defaulter runtime.ObjectDefaulter
	creater   runtime.ObjectCreater
	crd       *customResource
	kind      schema.GroupVersionKind
}

func (t appliedType) machinery() (*machinery, error) {
	if t.CRD == nil {
		if _, err := t.empty(); err != nil {
			return nil, err
		}
		return &machinery{builtInConverter, castConverter{}, noDefaults{}, castCreater{}, nil, t.kind()}, nil
	}
	crd, err := customResourceOf(t.CRD)
	if err != nil {
		return nil, err
	}
	version := t.kind().Version
	if t.APIVersion == "" {
		version = crd.v1.Spec.Versions[0].Name
	}
	types, err := crd.typeConverter()
	if err != nil {
		return nil, err
	}
	converter, err := crd.objectConverter()
	if err != nil {
		return nil, err
	}
	return &machinery{types, converter, crd, crd, crd, crd.kind(version)}, nil
}

// read makes an object of the kind's version that the JSON names.
func (m *machinery) read(raw json.RawMessage) (runtime.Object, error) {
	content, err := tree(raw)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{Object: content}
	if m.crd != nil {
		return object, nil
	}
	return typedObject(object.GroupVersionKind(), raw)
}

// fieldManager is made as a server makes it for one version and subresource.
func (m *machinery) fieldManager(kind schema.GroupVersionKind, hub schema.GroupVersion, subresource string, reset map[fieldpath.APIVersion]fieldpath.Filter) (*managedfields.FieldManager, error) {
	if m.crd != nil {
		return managedfields.NewDefaultCRDFieldManager(m.types, m.converter, m.defaulter, m.creater, kind, kind.GroupVersion(), subresource, reset)
	}
	return managedfields.NewDefaultFieldManager(m.types, m.converter, m.defaulter, m.creater, kind, hub, subresource, reset)
}

// castConverter takes an object of one version for one of another: client-go has no conversions.
type castConverter struct{}

func (castConverter) Convert(_, _, _ any) error { return fmt.Errorf("oracle: not supported") }

func (castConverter) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

func (castConverter) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	kind := in.GetObjectKind().GroupVersionKind()
	if kind.Empty() {
		kinds, _, err := builtIn.ObjectKinds(in)
		if err != nil {
			return nil, err
		}
		kind = kinds[0]
	}
	wanted, ok := target.KindForGroupVersionKinds([]schema.GroupVersionKind{kind})
	if !ok {
		wanted = kind
		if version, is := target.(schema.GroupVersion); is {
			wanted = version.WithKind(kind.Kind)
		}
	}
	if !builtIn.Recognizes(wanted) {
		return nil, runtime.NewNotRegisteredErrForKind(builtIn.Name(), wanted)
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return typedObject(wanted, text)
}

type castCreater struct{}

func (castCreater) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	object, err := builtIn.New(kind)
	if err == nil {
		object.GetObjectKind().SetGroupVersionKind(kind)
	}
	return object, err
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

type applyStep struct {
	// Op is "apply" or "update".
	Op          string `json:"op"`
	Manager     string `json:"manager"`
	Force       bool   `json:"force"`
	Subresource string `json:"subresource"`
	// Object is the body, of the version that it names.
	Object json.RawMessage `json:"object"`
}

type applyArgs struct {
	appliedType
	// Hub is the version (apiVersion) that stored objects have; default: that of the type.
	Hub string `json:"hub"`
	// Live is the object to begin with; otherwise there is none.
	Live  json.RawMessage `json:"live"`
	Steps []applyStep     `json:"steps"`
	// Reset has, by subresource and apiVersion, paths that a write through it does not own.
	Reset map[string]map[string][][]string `json:"reset"`
	// NoOps takes writes that only change times of managed fields back, as the store does.
	NoOps bool `json:"noOps"`
}

type applyStepResult struct {
	// Object is the object after the step, with its managed fields; the one before it when there is a fault.
	Object json.RawMessage `json:"object"`
	Fault  *fault          `json:"fault,omitempty"`
}

// stampOf is the time that entries show which were stamped in a step.
func stampOf(step int) metav1.Time {
	return metav1.NewTime(time.Date(2000, 1, 1, 0, 0, step+1, 0, time.UTC))
}

// restamp makes times of managed fields tell the step.
func restamp(object runtime.Object, step int) error {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	entries := accessor.GetManagedFields()
	recent := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for index := range entries {
		if entries[index].Time != nil && entries[index].Time.After(recent) {
			stamp := stampOf(step)
			entries[index].Time = &stamp
		}
	}
	if entries != nil {
		accessor.SetManagedFields(entries)
	}
	return nil
}

func applySteps(args applyArgs) (any, error) {
	m, err := args.machinery()
	if err != nil {
		return nil, err
	}
	hub := m.kind.GroupVersion()
	if args.Hub != "" {
		if hub, err = schema.ParseGroupVersion(args.Hub); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
	}
	live, err := m.creater.New(hub.WithKind(m.kind.Kind))
	if err != nil {
		return nil, err
	}
	if args.Live != nil {
		if live, err = m.read(args.Live); err != nil {
			return nil, err
		}
	}
	results := []applyStepResult{}
	for index, step := range args.Steps {
		next, err := applyOne(m, args, hub, live, step, index)
		result := applyStepResult{Fault: faultOf(err)}
		if err == nil {
			live = next
		}
		if result.Object, err = encode(live); err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

func applyOne(m *machinery, args applyArgs, hub schema.GroupVersion, live runtime.Object, step applyStep, index int) (runtime.Object, error) {
	content, err := tree(step.Object)
	if err != nil {
		return nil, err
	}
	body := &unstructured.Unstructured{Object: content}
	reset := map[fieldpath.APIVersion]*fieldpath.Set{}
	for version, paths := range args.Reset[step.Subresource] {
		set := fieldpath.NewSet()
		for _, path := range paths {
			parts := []any{}
			for _, part := range path {
				parts = append(parts, part)
			}
			set.Insert(fieldpath.MakePathOrDie(parts...))
		}
		reset[fieldpath.APIVersion(version)] = set
	}
	// A custom resource is handled in the version of the request, a built-in one in that of the store.
	kind := body.GroupVersionKind()
	if _, known := m.versions()[kind.GroupVersion()]; !known {
		kind = m.kind
	}
	inner := hub
	if m.crd != nil {
		inner = kind.GroupVersion()
	}
	manager, err := m.fieldManager(kind, hub, step.Subresource, fieldpath.NewExcludeFilterSetMap(reset))
	if err != nil {
		return nil, err
	}
	current, err := m.converter.ConvertToVersion(live.DeepCopyObject(), inner)
	if err != nil {
		return nil, err
	}
	var next runtime.Object
	switch step.Op {
	case "apply":
		next, err = manager.Apply(current, body, step.Manager, step.Force)
	case "update":
		var object runtime.Object
		if object, err = m.read(step.Object); err != nil {
			return nil, err
		}
		if object, err = m.converter.ConvertToVersion(object, inner); err != nil {
			return nil, err
		}
		next, err = manager.Update(current, object, step.Manager)
	default:
		err = fmt.Errorf("oracle: unknown step %q", step.Op)
	}
	if err != nil {
		return nil, err
	}
	if args.NoOps {
		if next, err = fieldmanager.IgnoreManagedFieldsTimestampsTransformer(background, next, current); err != nil {
			return nil, err
		}
	}
	if err := restamp(next, index); err != nil {
		return nil, err
	}
	return m.converter.ConvertToVersion(next, hub)
}

// versions are those that requests may use.
func (m *machinery) versions() map[schema.GroupVersion]bool {
	known := map[schema.GroupVersion]bool{}
	if m.crd == nil {
		for _, version := range builtIn.VersionsForGroupKind(m.kind.GroupKind()) {
			known[version] = true
		}
		return known
	}
	for _, version := range m.crd.v1.Spec.Versions {
		known[schema.GroupVersion{Group: m.kind.Group, Version: version.Name}] = true
	}
	return known
}

type scaleArgs struct {
	Parent []metav1.ManagedFieldsEntry `json:"parent"`
	// Scale has the entries of a changed Scale; without it, those for a Scale are answered.
	Scale      []metav1.ManagedFieldsEntry `json:"scale"`
	APIVersion string                      `json:"apiVersion"`
	// Replicas is, by apiVersion, the path of the replicas in the parent.
	Replicas map[string][]string `json:"replicas"`
}

func scaleFields(args scaleArgs) (any, error) {
	mappings := managedfields.ResourcePathMappings{}
	for version, path := range args.Replicas {
		parts := []any{}
		for _, part := range path {
			parts = append(parts, part)
		}
		mappings[version] = fieldpath.MakePathOrDie(parts...)
	}
	group, err := schema.ParseGroupVersion(args.APIVersion)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	handler := managedfields.NewScaleHandler(args.Parent, group, mappings)
	if args.Scale == nil {
		return handler.ToSubresource()
	}
	return handler.ToParent(args.Scale)
}

func init() {
	operations["apply"] = op(applySteps)
	operations["apply.scale"] = op(scaleFields)
}
