package main

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	gardenv1 "conformance/operator/garden/v1"
)

// defaulter names an owner where there is none.
type defaulter struct{}

func (defaulter) Default(_ context.Context, garden *gardenv1.Garden) error {
	if garden.Spec.Owner == "" {
		garden.Spec.Owner = "nobody"
	}
	return nil
}

// validator refuses what a schema cannot know.
type validator struct{}

func (validator) check(garden *gardenv1.Garden) (admission.Warnings, error) {
	if strings.HasPrefix(garden.Name, "bad-") {
		return nil, fmt.Errorf("the name %s brings bad luck", garden.Name)
	}
	if garden.Spec.Colour == "red" {
		return admission.Warnings{"red gardens need much water"}, nil
	}
	return nil, nil
}

func (v validator) ValidateCreate(_ context.Context, garden *gardenv1.Garden) (admission.Warnings, error) {
	return v.check(garden)
}

func (v validator) ValidateUpdate(_ context.Context, old, garden *gardenv1.Garden) (admission.Warnings, error) {
	if old.Spec.Owner != garden.Spec.Owner && old.Spec.Owner != "nobody" {
		return nil, fmt.Errorf("the garden belongs to %s", old.Spec.Owner)
	}
	return v.check(garden)
}

func (validator) ValidateDelete(context.Context, *gardenv1.Garden) (admission.Warnings, error) {
	return nil, nil
}
