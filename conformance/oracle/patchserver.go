package main

import (
	"encoding/json"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

type servePatchArgs struct {
	typeArgs
	// PatchType is json, merge or strategic.
	PatchType string          `json:"patchType"`
	Original  json.RawMessage `json:"original"`
	// Patch is text, so that it may be malformed.
	Patch string `json:"patch"`
	// Validation is Ignore, Warn or Strict.
	Validation string `json:"validation"`
}

type servePatchResult struct {
	// Object is what would be handed on, without defaults.
	Object   json.RawMessage `json:"object,omitempty"`
	Warnings []string        `json:"warnings"`
	Fault    *fault          `json:"fault,omitempty"`
}

// servePatch goes the way of a server from the bytes of a patch to an object of a built-in kind (endpoints/handlers/patch.go).
func servePatch(args servePatchArgs) (any, error) {
	if args.PatchType == "strategic" {
		told, err := patchStrategic(strategicPatchArgs{
			typeArgs: args.typeArgs, Original: args.Original, Patch: args.Patch, Validation: args.Validation, Typed: true, Decode: true,
		})
		if err != nil {
			return nil, err
		}
		result := told.(patchResult)
		served := servePatchResult{Object: result.Object, Fault: result.Fault, Warnings: []string{}}
		if result.Fault == nil && args.Validation == "Warn" {
			served.Warnings = result.Strict
		}
		return served, nil
	}
	object, warnings, err := servedPatch(args)
	if err != nil {
		return servePatchResult{Fault: faultOf(err), Warnings: []string{}}, nil
	}
	text, err := encode(object)
	return servePatchResult{Object: text, Warnings: texts(warnings)}, err
}

func servedPatch(args servePatchArgs) (runtime.Object, []error, error) {
	looks := args.Validation == "Strict" || args.Validation == "Warn"
	var strict []error
	var patched []byte
	if args.PatchType == "json" {
		if looks {
			var err error
			if strict, err = kjson.UnmarshalStrict([]byte(args.Patch), &[]jsonPatchOp{}); err != nil {
				return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
			}
			for i, err := range strict {
				strict[i] = fmt.Errorf("json patch %v", err)
			}
		}
		patch, err := jsonpatch.DecodePatch([]byte(args.Patch))
		if err != nil {
			return nil, nil, apierrors.NewBadRequest(err.Error())
		}
		if patched, err = patch.Apply(args.Original); err != nil {
			return nil, nil, unprocessableError(err)
		}
	} else {
		var err error
		if looks {
			if strict, err = kjson.UnmarshalStrict([]byte(args.Patch), &map[string]any{}); err != nil {
				return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
			}
		}
		patched, err = jsonpatch.MergePatch(args.Original, []byte(args.Patch))
		if err == jsonpatch.ErrBadJSONPatch {
			err = apierrors.NewBadRequest(err.Error())
		}
		if err != nil {
			return nil, nil, err
		}
	}
	object, err := args.empty()
	if err != nil {
		return nil, nil, err
	}
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	reader := info.Serializer
	if looks {
		reader = info.StrictSerializer
	}
	codec := runtime.NewCodec(reader, undefaulted(reader, args.kind().GroupVersion()))
	invalid := func(err error) error {
		return apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{field.Invalid(field.NewPath("patch"), string(patched), err.Error())})
	}
	if err := runtime.DecodeInto(codec, patched, object); err != nil {
		decoding, isStrict := runtime.AsStrictDecodingError(err)
		if !isStrict {
			return nil, nil, invalid(err)
		}
		strict = append(strict, decoding.Errors()...)
	}
	if len(strict) > 0 && args.Validation != "Warn" {
		return nil, nil, invalid(runtime.NewStrictDecodingError(strict))
	}
	object.GetObjectKind().SetGroupVersionKind(args.kind())
	return object, strict, nil
}

func init() {
	operations["patch.serve"] = op(servePatch)
}
