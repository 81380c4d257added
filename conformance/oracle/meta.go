package main

import (
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// nameRules are rules of names; prefix says that the name is the beginning of a generated one.
var nameRules = map[string]func(name string, prefix bool) []string{
	"subdomain":          apivalidation.NameIsDNSSubdomain,
	"label":              apivalidation.NameIsDNSLabel,
	"label1035":          apivalidation.NameIsDNS1035Label,
	"pathSegment":        path.ValidatePathSegmentName,
	"dns1123Label":       whole(validation.IsDNS1123Label),
	"dns1123Subdomain":   whole(validation.IsDNS1123Subdomain),
	"dns1035Label":       whole(validation.IsDNS1035Label),
	"wildcardSubdomain":  whole(validation.IsWildcardDNS1123Subdomain),
	"qualifiedName":      whole(validation.IsQualifiedName),
	"labelValue":         whole(validation.IsValidLabelValue),
	"cIdentifier":        whole(validation.IsCIdentifier),
	"portName":           whole(validation.IsValidPortName),
	"percent":            whole(validation.IsValidPercent),
	"httpHeaderName":     whole(validation.IsHTTPHeaderName),
	"envVarName":         whole(validation.IsEnvVarName),
	"relaxedEnvVarName":  whole(validation.IsRelaxedEnvVarName),
	"configMapKey":       whole(validation.IsConfigMapKey),
	"fullyQualifiedName": listed(validation.IsFullyQualifiedName),
	"domainPrefixedPath": listed(validation.IsDomainPrefixedPath),
	"domainPrefixedKey":  listed(validation.IsDomainPrefixedKey),
	"fieldManager":       named(metav1validation.ValidateFieldManager),
	"finalizer":          named(apivalidation.ValidateFinalizerName),
}

func whole(check func(string) []string) func(string, bool) []string {
	return func(name string, _ bool) []string { return check(name) }
}

func listed(check func(*field.Path, string) field.ErrorList) func(string, bool) []string {
	return func(name string, _ bool) []string { return texts(check(field.NewPath("field"), name)) }
}

func named(check func(string, *field.Path) field.ErrorList) func(string, bool) []string {
	return func(name string, _ bool) []string { return texts(check(name, field.NewPath("field"))) }
}

type nameArgs struct {
	Rule   string `json:"rule"`
	Name   string `json:"name"`
	Prefix bool   `json:"prefix"`
}

func checkName(args nameArgs) (any, error) {
	check, known := nameRules[args.Rule]
	if !known {
		return nil, fmt.Errorf("oracle: unknown rule %q", args.Rule)
	}
	if told := check(args.Name, args.Prefix); told != nil {
		return told, nil
	}
	return []string{}, nil
}

type metaArgs struct {
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Namespaced bool              `json:"namespaced"`
	// Rule is the rule of its name; DNS subdomain by default.
	Rule string `json:"rule"`
}

func validateMeta(args metaArgs) (any, error) {
	if args.Rule == "" {
		args.Rule = "subdomain"
	}
	check, known := nameRules[args.Rule]
	if !known {
		return nil, fmt.Errorf("oracle: unknown rule %q", args.Rule)
	}
	return fieldErrors(apivalidation.ValidateObjectMeta(&args.Metadata, args.Namespaced, check, field.NewPath("metadata"))), nil
}

type metaUpdateArgs struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Old      metav1.ObjectMeta `json:"old"`
}

func validateMetaUpdate(args metaUpdateArgs) (any, error) {
	return fieldErrors(apivalidation.ValidateObjectMetaUpdate(&args.Metadata, &args.Old, field.NewPath("metadata"))), nil
}

type conditionsArgs struct {
	Conditions []metav1.Condition `json:"conditions"`
	Path       string             `json:"path"`
}

func validateConditions(args conditionsArgs) (any, error) {
	return fieldErrors(metav1validation.ValidateConditions(args.Conditions, field.NewPath(args.Path))), nil
}

type optionsArgs struct {
	// PatchType is a media type; empty for the options of a create or update.
	PatchType    types.PatchType `json:"patchType"`
	FieldManager string          `json:"fieldManager"`
	Force        *bool           `json:"force"`
	DryRun       []string        `json:"dryRun"`
	Validation   string          `json:"fieldValidation"`
}

func validateOptions(args optionsArgs) (any, error) {
	if args.PatchType == "" {
		return fieldErrors(metav1validation.ValidateUpdateOptions(&metav1.UpdateOptions{
			FieldManager: args.FieldManager, DryRun: args.DryRun, FieldValidation: args.Validation,
		})), nil
	}
	return fieldErrors(metav1validation.ValidatePatchOptions(&metav1.PatchOptions{
		FieldManager: args.FieldManager, DryRun: args.DryRun, FieldValidation: args.Validation, Force: args.Force,
	}, args.PatchType)), nil
}

func init() {
	operations["names.check"] = op(checkName)
	operations["meta.validate"] = op(validateMeta)
	operations["meta.validateUpdate"] = op(validateMetaUpdate)
	operations["meta.conditions"] = op(validateConditions)
	operations["meta.options"] = op(validateOptions)
}
