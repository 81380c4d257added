package main

import (
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/conversion"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/spec3"
	kjson "sigs.k8s.io/json"
)

// extensions knows CustomResourceDefinitions in all versions, with defaults and conversions.
var extensions = func() *runtime.Scheme {
	kinds := runtime.NewScheme()
	install.Install(kinds)
	return kinds
}()

// customResource is a CustomResourceDefinition and what a server makes of it. It also makes and defaults its objects.
type customResource struct {
	v1         *apiextensionsv1.CustomResourceDefinition
	internal   *apiextensions.CustomResourceDefinition
	schemas    map[string]*structuralschema.Structural
	types      managedfields.TypeConverter
	conversion runtime.ObjectConvertor
}

// customResourceCache keeps what was made of the last definitions, by their JSON.
var customResourceCache = map[string]*customResource{}

const maxCachedResources = 256

// readCRD reads a definition, applies its defaults, and converts it.
func readCRD(raw json.RawMessage) (*apiextensionsv1.CustomResourceDefinition, *apiextensions.CustomResourceDefinition, error) {
	v1 := &apiextensionsv1.CustomResourceDefinition{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, v1); err != nil {
		return nil, nil, err
	}
	extensions.Default(v1)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := extensions.Convert(v1, internal, nil); err != nil {
		return nil, nil, err
	}
	return v1, internal, nil
}

func customResourceOf(raw json.RawMessage) (*customResource, error) {
	if known, ok := customResourceCache[string(raw)]; ok {
		return known, nil
	}
	v1, internal, err := readCRD(raw)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	acceptNames(v1)
	crd := &customResource{v1: v1, internal: internal, schemas: map[string]*structuralschema.Structural{}}
	for _, version := range v1.Spec.Versions {
		if version.Schema == nil {
			continue
		}
		props, err := internalProps(version.Schema.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		structural, err := structuralschema.NewStructural(props)
		if err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
		structural = structural.DeepCopy()
		if err := structuraldefaulting.PruneDefaults(structural); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
		crd.schemas[version.Name] = structural
	}
	if len(customResourceCache) >= maxCachedResources {
		clear(customResourceCache)
	}
	customResourceCache[string(raw)] = crd
	return crd, nil
}

// acceptNames does what the naming controller does.
func acceptNames(crd *apiextensionsv1.CustomResourceDefinition) {
	crd.Status.AcceptedNames = crd.Spec.Names
	if crd.Spec.Conversion == nil {
		crd.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
	}
}

func internalProps(props *apiextensionsv1.JSONSchemaProps) (*apiextensions.JSONSchemaProps, error) {
	if props == nil {
		return nil, nil
	}
	converted := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, converted, nil); err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return converted, nil
}

func (c *customResource) kind(version string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: c.v1.Spec.Group, Version: version, Kind: c.v1.Spec.Names.Kind}
}

func (c *customResource) version(name string) (*apiextensionsv1.CustomResourceDefinitionVersion, error) {
	for index := range c.v1.Spec.Versions {
		if name == "" || c.v1.Spec.Versions[index].Name == name {
			return &c.v1.Spec.Versions[index], nil
		}
	}
	return nil, fmt.Errorf("oracle: no version %q", name)
}

// typeConverter is made as the custom resource handler makes it (buildOpenAPIModelsForApply).
func (c *customResource) typeConverter() (managedfields.TypeConverter, error) {
	if c.types != nil {
		return c.types, nil
	}
	specs := []*spec3.OpenAPI{}
	for _, version := range c.v1.Spec.Versions {
		built, err := builder.BuildOpenAPIV3(c.v1, version.Name, builder.Options{})
		if err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
		specs = append(specs, built)
	}
	merged, err := builder.MergeSpecsV3(specs...)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	c.types, err = managedfields.NewTypeConverter(merged.Components.Schemas, c.v1.Spec.PreserveUnknownFields)
	return c.types, err
}

func (c *customResource) objectConverter() (runtime.ObjectConvertor, error) {
	if c.conversion != nil {
		return c.conversion, nil
	}
	factory, err := conversion.NewCRConverterFactory(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	c.conversion, _, err = factory.NewConverter(c.v1)
	return c.conversion, err
}

// New makes an empty object.
func (c *customResource) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object, nil
}

// Default applies the defaults of the schema.
func (c *customResource) Default(in runtime.Object) {
	if object, ok := in.(runtime.Unstructured); ok {
		structuraldefaulting.Default(object.UnstructuredContent(), c.schemas[object.GetObjectKind().GroupVersionKind().Version])
	}
}
