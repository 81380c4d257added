package main

import (
	"encoding/json"
	"fmt"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apiextensions-apiserver/pkg/crdserverscheme"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/client-go/util/jsonpath"
	"k8s.io/kube-openapi/pkg/handler"
	kjson "sigs.k8s.io/json"
)

type crdArgs struct {
	CRD json.RawMessage `json:"crd"`
	// Old is what an update replaces.
	Old json.RawMessage `json:"old"`
	// Prepare does before what the registry does on a create or update (status, generation, preserveUnknownFields).
	Prepare bool `json:"prepare"`
	// Status says that the update goes to the status.
	Status bool `json:"status"`
}

type crdResult struct {
	Errors []fieldError `json:"errors"`
	// CRD has its defaults.
	CRD json.RawMessage `json:"crd"`
}

func validateCRD(args crdArgs) (any, error) {
	_, crd, err := readCRD(args.CRD)
	if err != nil {
		return nil, err
	}
	var errs field.ErrorList
	if args.Old == nil {
		if args.Prepare {
			customresourcedefinition.NewStrategy(extensions).PrepareForCreate(background, crd)
		}
		errs = crdvalidation.ValidateCustomResourceDefinition(background, crd)
	} else {
		_, old, err := readCRD(args.Old)
		if err != nil {
			return nil, err
		}
		switch {
		case args.Status:
			errs = crdvalidation.ValidateUpdateCustomResourceDefinitionStatus(crd, old)
		default:
			if args.Prepare {
				customresourcedefinition.NewStrategy(extensions).PrepareForUpdate(background, crd, old)
			}
			errs = crdvalidation.ValidateCustomResourceDefinitionUpdate(background, crd, old)
		}
	}
	out := &apiextensionsv1.CustomResourceDefinition{}
	if err := extensions.Convert(crd, out, nil); err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	text, err := encode(out)
	return crdResult{Errors: fieldErrors(errs), CRD: text}, err
}

// schemaArgs are a schema (OpenAPI v3 with x-kubernetes-*, as in a definition) and objects.
type schemaArgs struct {
	Schema json.RawMessage `json:"schema"`
	Object json.RawMessage `json:"object"`
	Old    json.RawMessage `json:"old"`
	// Root says that the schema is that of a whole resource, with apiVersion, kind and metadata.
	Root bool `json:"root"`
	// Drop drops what is wrong in metadata.
	Drop bool `json:"drop"`
	// NoRatcheting validates an update like a create.
	NoRatcheting bool `json:"noRatcheting"`
	// Budget in units of cost; default: that of a server.
	Budget *int64 `json:"budget"`
}

func (a schemaArgs) props() (*apiextensions.JSONSchemaProps, error) {
	props := &apiextensionsv1.JSONSchemaProps{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(a.Schema, props); err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return internalProps(props)
}

func (a schemaArgs) structural() (*structuralschema.Structural, error) {
	props, err := a.props()
	if err != nil {
		return nil, err
	}
	return structuralschema.NewStructural(props)
}

type structuralResult struct {
	Errors   []fieldError `json:"errors"`
	Defaults []fieldError `json:"defaults"`
	Fault    *fault       `json:"fault,omitempty"`
}

// checkStructural says whether a schema is structural, and its defaults valid.
func checkStructural(args schemaArgs) (any, error) {
	structural, err := args.structural()
	if err != nil {
		return structuralResult{Fault: faultOf(err)}, nil
	}
	result := structuralResult{Errors: fieldErrors(structuralschema.ValidateStructural(nil, structural)), Defaults: []fieldError{}}
	if len(result.Errors) > 0 {
		return result, nil
	}
	errs, err := structuraldefaulting.ValidateDefaults(background, field.NewPath("schema"), structural, args.Root, true)
	result.Defaults, result.Fault = fieldErrors(errs), faultOf(err)
	return result, nil
}

type objectResult struct {
	Object  any          `json:"object"`
	Unknown []string     `json:"unknown,omitempty"`
	Errors  []fieldError `json:"errors,omitempty"`
}

func pruneObject(args schemaArgs) (any, error) {
	structural, object, err := args.structuralAndObject()
	if err != nil {
		return nil, err
	}
	unknown := pruning.PruneWithOptions(object, structural, args.Root, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if unknown == nil {
		unknown = []string{}
	}
	return objectResult{Object: object, Unknown: unknown}, nil
}

func (a schemaArgs) structuralAndObject() (*structuralschema.Structural, any, error) {
	structural, err := a.structural()
	if err != nil {
		return nil, nil, err
	}
	object, err := anyTree(a.Object)
	return structural, object, err
}

func defaultObject(args schemaArgs) (any, error) {
	structural, object, err := args.structuralAndObject()
	if err != nil {
		return nil, err
	}
	structural = structural.DeepCopy()
	if err := structuraldefaulting.PruneDefaults(structural); err != nil {
		return nil, err
	}
	structuraldefaulting.PruneNonNullableNullsWithoutDefaults(object, structural)
	structuraldefaulting.Default(object, structural)
	return objectResult{Object: object}, nil
}

func coerceObject(args schemaArgs) (any, error) {
	structural, object, err := args.structuralAndObject()
	if err != nil {
		return nil, err
	}
	fault, unknown := objectmeta.CoerceWithOptions(nil, object, structural, args.Root, objectmeta.CoerceOptions{
		DropInvalidFields: args.Drop, ReturnUnknownFieldPaths: true,
	})
	result := objectResult{Object: object, Unknown: unknown}
	if fault != nil {
		result.Errors = fieldErrors(field.ErrorList{fault})
		return result, nil
	}
	result.Errors = fieldErrors(objectmeta.Validate(nil, object, structural, args.Root))
	return result, nil
}

type validationResult struct {
	Schema []fieldError `json:"schema"`
	Lists  []fieldError `json:"lists"`
	Rules  []fieldError `json:"rules"`
	// Remaining is what is left of the budget; -1 when it was exceeded.
	Remaining int64 `json:"remaining"`
}

// validateObject validates against a schema only; cr.validate knows the rest.
func validateObject(args schemaArgs) (any, error) {
	props, err := args.props()
	if err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, err
	}
	object, err := anyTree(args.Object)
	if err != nil {
		return nil, err
	}
	result := validationResult{Remaining: celconfig.RuntimeCELCostBudget}
	if args.Budget != nil {
		result.Remaining = *args.Budget
	}
	var old any
	options, rules := []validation.ValidationOption{}, []schemacel.Option{}
	if args.Old != nil {
		if old, err = anyTree(args.Old); err != nil {
			return nil, err
		}
		if !args.NoRatcheting {
			correlated := common.NewCorrelatedObject(object, old, &model.Structural{Structural: structural})
			options = append(options, validation.WithRatcheting(correlated))
			rules = append(rules, schemacel.WithRatcheting(correlated))
		}
		result.Schema = fieldErrors(validation.ValidateCustomResourceUpdate(nil, object, old, validator, options...))
	} else {
		result.Schema = fieldErrors(validation.ValidateCustomResource(nil, object, validator))
	}
	result.Lists, result.Rules = []fieldError{}, []fieldError{}
	if content, ok := object.(map[string]any); ok {
		result.Lists = fieldErrors(listtype.ValidateListSetsAndMaps(nil, structural, content))
	}
	if checker := schemacel.NewValidator(structural, args.Root, celconfig.PerCallLimit); checker != nil {
		errs, remaining := checker.Validate(background, nil, structural, object, old, result.Remaining, rules...)
		result.Rules, result.Remaining = fieldErrors(errs), remaining
	}
	return result, nil
}

type resourceArgs struct {
	CRD     json.RawMessage `json:"crd"`
	Version string          `json:"version"`
	Object  json.RawMessage `json:"object"`
	Old     json.RawMessage `json:"old"`
	// Prepare also does what the registry does before it validates.
	Prepare bool              `json:"prepare"`
	Status  bool              `json:"status"`
	Objects []json.RawMessage `json:"objects"`
	V2      bool              `json:"v2"`
}

func subresources(crd *customResource, name string) *apiextensionsv1.CustomResourceSubresources {
	version, err := crd.version(name)
	if err != nil {
		return nil
	}
	return version.Subresources
}

// validateResource is the strategy of custom resources, as the registry calls it.
func validateResource(args resourceArgs) (any, error) {
	crd, err := customResourceOf(args.CRD)
	if err != nil {
		return nil, err
	}
	version, err := crd.version(args.Version)
	if err != nil {
		return nil, err
	}
	var props *apiextensions.JSONSchemaProps
	if version.Schema != nil {
		if props, err = internalProps(version.Schema.OpenAPIV3Schema); err != nil {
			return nil, err
		}
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, err
	}
	var status *apiextensions.CustomResourceSubresourceStatus
	var scale *apiextensions.CustomResourceSubresourceScale
	var statusValidator validation.SchemaValidator
	if subs := subresources(crd, version.Name); subs != nil {
		if subs.Status != nil {
			status = &apiextensions.CustomResourceSubresourceStatus{}
			if props != nil {
				if statusSchema, ok := props.Properties["status"]; ok {
					if statusValidator, _, err = validation.NewSchemaValidator(&statusSchema); err != nil {
						return nil, err
					}
				}
			}
		}
		if subs.Scale != nil {
			scale = &apiextensions.CustomResourceSubresourceScale{
				SpecReplicasPath: subs.Scale.SpecReplicasPath, StatusReplicasPath: subs.Scale.StatusReplicasPath,
				LabelSelectorPath: subs.Scale.LabelSelectorPath,
			}
		}
	}
	strategy := customresource.NewStrategy(crdserverscheme.NewUnstructuredObjectTyper(),
		crd.v1.Spec.Scope == apiextensionsv1.NamespaceScoped, crd.kind(version.Name), validator, statusValidator,
		crd.schemas[version.Name], status, scale, version.SelectableFields)
	content, err := tree(args.Object)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{Object: content}
	var errs field.ErrorList
	var warnings []string
	if args.Old == nil {
		if args.Prepare {
			strategy.PrepareForCreate(background, object)
		}
		errs, warnings = strategy.Validate(background, object), strategy.WarningsOnCreate(background, object)
	} else {
		before, err := tree(args.Old)
		if err != nil {
			return nil, err
		}
		old := &unstructured.Unstructured{Object: before}
		if args.Status {
			statusStrategy := customresource.NewStatusStrategy(strategy)
			if args.Prepare {
				statusStrategy.PrepareForUpdate(background, object, old)
			}
			errs = statusStrategy.ValidateUpdate(background, object, old)
		} else {
			if args.Prepare {
				strategy.PrepareForUpdate(background, object, old)
			}
			errs, warnings = strategy.ValidateUpdate(background, object, old), strategy.WarningsOnUpdate(background, object, old)
		}
	}
	return struct {
		Errors   []fieldError `json:"errors"`
		Warnings []string     `json:"warnings"`
		Object   any          `json:"object"`
	}{fieldErrors(errs), warnings, object.Object}, nil
}

// decodeResource reads an object as a server reads a body: it prunes, drops nulls, coerces metadata, and applies defaults.
func decodeResource(args resourceArgs) (any, error) {
	crd, err := customResourceOf(args.CRD)
	if err != nil {
		return nil, err
	}
	version, err := crd.version(args.Version)
	if err != nil {
		return nil, err
	}
	content, err := tree(args.Object)
	if err != nil {
		return nil, err
	}
	object, structural := &unstructured.Unstructured{Object: content}, crd.schemas[version.Name]
	apiVersion, kind := object.GetAPIVersion(), object.GetKind()
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(content, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	if !crd.v1.Spec.PreserveUnknownFields {
		unknown = append(unknown, pruning.PruneWithOptions(content, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
		structuraldefaulting.PruneNonNullableNullsWithoutDefaults(content, structural)
	}
	fault, paths := objectmeta.CoerceWithOptions(nil, content, structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if fault != nil {
		return nil, fault
	}
	object.SetAPIVersion(apiVersion)
	object.SetKind(kind)
	if found {
		if err := objectmeta.SetObjectMeta(content, meta); err != nil {
			return nil, err
		}
	}
	structuraldefaulting.Default(content, structural)
	return objectResult{Object: content, Unknown: append(append([]string{}, unknown...), paths...)}, nil
}

// tableOf prints objects by the columns of a version.
func tableOf(args resourceArgs) (any, error) {
	crd, err := customResourceOf(args.CRD)
	if err != nil {
		return nil, err
	}
	version, err := crd.version(args.Version)
	if err != nil {
		return nil, err
	}
	columns := version.AdditionalPrinterColumns
	if len(columns) == 0 {
		columns = []apiextensionsv1.CustomResourceColumnDefinition{{
			Name: "Age", Type: "date", Description: metav1.ObjectMeta{}.SwaggerDoc()["creationTimestamp"], JSONPath: ".metadata.creationTimestamp",
		}}
	}
	convertor, fault := tableconvertor.New(columns)
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
	for _, raw := range args.Objects {
		content, err := tree(raw)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, unstructured.Unstructured{Object: content})
	}
	table, err := convertor.ConvertToTable(background, list, nil)
	if err != nil {
		return nil, err
	}
	rows := [][]any{}
	for _, row := range table.Rows {
		rows = append(rows, row.Cells)
	}
	found := [][]foundByPath{}
	for _, item := range list.Items {
		row := []foundByPath{}
		for _, column := range columns {
			row = append(row, findByPath(column.JSONPath, item.Object))
		}
		found = append(found, row)
	}
	return map[string]any{"columns": table.ColumnDefinitions, "rows": rows, "fault": faultOf(fault), "found": found}, nil
}

// foundByPath is what a path finds, each value as "type:JSON" and in an order of their own: maps are gone through by chance.
type foundByPath struct {
	Values []string `json:"values"`
	Broken bool     `json:"broken,omitempty"`
	Failed bool     `json:"failed,omitempty"`
}

func findByPath(text string, object map[string]any) foundByPath {
	path := jsonpath.New("path")
	if err := path.Parse("{" + text + "}"); err != nil {
		return foundByPath{Values: []string{}, Broken: true}
	}
	results, err := path.AllowMissingKeys(true).FindResults(object)
	found := foundByPath{Values: []string{}, Failed: err != nil}
	if err != nil || len(results) == 0 {
		return found
	}
	for _, result := range results[0] {
		value := result.Interface()
		text, err := encode(value)
		if err != nil {
			panic(err)
		}
		found.Values = append(found.Values, fmt.Sprintf("%T:%s", value, text))
	}
	sort.Strings(found.Values)
	return found
}

func openAPIOf(args resourceArgs) (any, error) {
	crd, err := customResourceOf(args.CRD)
	if err != nil {
		return nil, err
	}
	version, err := crd.version(args.Version)
	if err != nil {
		return nil, err
	}
	if args.V2 {
		swagger, err := builder.BuildOpenAPIV2(crd.v1, version.Name, builder.Options{V2: true, IncludeSelectableFields: true})
		if err == nil {
			swagger.Definitions = handler.PruneDefaults(swagger.Definitions)
		}
		return swagger, err
	}
	return builder.BuildOpenAPIV3(crd.v1, version.Name, builder.Options{IncludeSelectableFields: true})
}

func init() {
	operations["crd.validate"] = op(validateCRD)
	operations["crd.columns"] = op(tableOf)
	operations["crd.openapi"] = op(openAPIOf)
	operations["schema.structural"] = op(checkStructural)
	operations["schema.prune"] = op(pruneObject)
	operations["schema.default"] = op(defaultObject)
	operations["schema.coerce"] = op(coerceObject)
	operations["schema.validate"] = op(validateObject)
	operations["cr.decode"] = op(decodeResource)
	operations["cr.validate"] = op(validateResource)
}
