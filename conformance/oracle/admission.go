package main

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	admissionregistrationv1 "k8s.io/kubernetes/pkg/apis/admissionregistration/v1"
	"k8s.io/kubernetes/pkg/apis/admissionregistration/validation"
	kjson "sigs.k8s.io/json"
)

// admissionKinds has defaults and conversions, unlike builtIn.
var admissionKinds = func() *runtime.Scheme {
	kinds := runtime.NewScheme()
	utilruntime.Must(admissionregistration.AddToScheme(kinds))
	utilruntime.Must(admissionregistrationv1.AddToScheme(kinds))
	return kinds
}()

type admissionArgs struct {
	typeArgs
	Object json.RawMessage `json:"object"`
	Old    json.RawMessage `json:"old"`
}

// internalAdmission is an object as its validation wants it, with defaults.
func internalAdmission(args typeArgs, raw json.RawMessage) (runtime.Object, error) {
	versioned, err := admissionKinds.New(args.kind())
	if err != nil {
		return nil, err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, versioned); err != nil {
		return nil, err
	}
	admissionKinds.Default(versioned)
	return admissionKinds.ConvertToVersion(versioned, admissionregistration.SchemeGroupVersion)
}

// validateAdmission validates a webhook configuration, a policy, or a binding.
func validateAdmission(args admissionArgs) (any, error) {
	object, err := internalAdmission(args.typeArgs, args.Object)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	if len(args.Old) == 0 {
		return fieldErrors(newAdmission(object)), nil
	}
	old, err := internalAdmission(args.typeArgs, args.Old)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return fieldErrors(changedAdmission(object, old)), nil
}

func newAdmission(object runtime.Object) field.ErrorList {
	switch one := object.(type) {
	case *admissionregistration.ValidatingWebhookConfiguration:
		return validation.ValidateValidatingWebhookConfiguration(one)
	case *admissionregistration.MutatingWebhookConfiguration:
		return validation.ValidateMutatingWebhookConfiguration(one)
	case *admissionregistration.ValidatingAdmissionPolicy:
		return validation.ValidateValidatingAdmissionPolicy(one)
	case *admissionregistration.ValidatingAdmissionPolicyBinding:
		return validation.ValidateValidatingAdmissionPolicyBinding(one)
	case *admissionregistration.MutatingAdmissionPolicy:
		return validation.ValidateMutatingAdmissionPolicy(one)
	case *admissionregistration.MutatingAdmissionPolicyBinding:
		return validation.ValidateMutatingAdmissionPolicyBinding(one)
	}
	return nil
}

func changedAdmission(object, old runtime.Object) field.ErrorList {
	switch one := object.(type) {
	case *admissionregistration.ValidatingWebhookConfiguration:
		return validation.ValidateValidatingWebhookConfigurationUpdate(one, old.(*admissionregistration.ValidatingWebhookConfiguration))
	case *admissionregistration.MutatingWebhookConfiguration:
		return validation.ValidateMutatingWebhookConfigurationUpdate(one, old.(*admissionregistration.MutatingWebhookConfiguration))
	case *admissionregistration.ValidatingAdmissionPolicy:
		return validation.ValidateValidatingAdmissionPolicyUpdate(one, old.(*admissionregistration.ValidatingAdmissionPolicy))
	case *admissionregistration.ValidatingAdmissionPolicyBinding:
		return validation.ValidateValidatingAdmissionPolicyBindingUpdate(one, old.(*admissionregistration.ValidatingAdmissionPolicyBinding))
	case *admissionregistration.MutatingAdmissionPolicy:
		return validation.ValidateMutatingAdmissionPolicyUpdate(one, old.(*admissionregistration.MutatingAdmissionPolicy))
	case *admissionregistration.MutatingAdmissionPolicyBinding:
		return validation.ValidateMutatingAdmissionPolicyBindingUpdate(one, old.(*admissionregistration.MutatingAdmissionPolicyBinding))
	}
	return nil
}

func init() {
	operations["admission.validate"] = op(validateAdmission)
}
