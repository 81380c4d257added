package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// Limits of a server (apiserver: endpoints/handlers/patch.go, server/config.go).
const (
	maxJSONPatchOperations = 10_000
	maxCopiedBytes         = 3 << 20
)

type patchResult struct {
	// Object is the patched document, as it is: nothing is validated.
	Object json.RawMessage `json:"object,omitempty"`
	Strict []string        `json:"strict"`
	Fault  *fault          `json:"fault,omitempty"`
}

type documentPatchArgs struct {
	Original json.RawMessage `json:"original"`
	// Patch is text, so that it may be malformed.
	Patch string `json:"patch"`
	// Validation is Ignore (default) or Strict, which also tells strict errors of the patch.
	Validation string `json:"validation"`
}

// strictErrors reads a patch as a server does before anything else under strict field validation.
func strictErrors(args documentPatchArgs, into any) ([]string, error) {
	if args.Validation != "Strict" {
		return []string{}, nil
	}
	strict, err := kjson.UnmarshalStrict([]byte(args.Patch), into)
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	return texts(strict), nil
}

type jsonPatchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from"`
	Value any    `json:"value"`
}

func patchJSON(args documentPatchArgs) (any, error) {
	strict, err := strictErrors(args, &[]jsonPatchOp{})
	if err != nil {
		return patchResult{Fault: faultOf(err)}, nil
	}
	patch, err := jsonpatch.DecodePatch([]byte(args.Patch))
	if err != nil {
		return patchResult{Fault: faultOf(apierrors.NewBadRequest(err.Error()))}, nil
	}
	if len(patch) > maxJSONPatchOperations {
		return patchResult{Fault: faultOf(apierrors.NewRequestEntityTooLargeError(
			fmt.Sprintf("The allowed maximum operations in a JSON patch is %d, got %d", maxJSONPatchOperations, len(patch))))}, nil
	}
	patched, err := patch.Apply(args.Original)
	if err != nil {
		return patchResult{Fault: unprocessable(err)}, nil
	}
	return patchResult{Object: patched, Strict: strict}, nil
}

func unprocessable(err error) *fault {
	told := faultOf(unprocessableError(err))
	told.Text = err.Error()
	return told
}

func unprocessableError(err error) error {
	return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
}

func patchMerge(args documentPatchArgs) (any, error) {
	strict, err := strictErrors(args, &map[string]any{})
	if err != nil {
		return patchResult{Fault: faultOf(err)}, nil
	}
	patched, err := jsonpatch.MergePatch(args.Original, []byte(args.Patch))
	if err == jsonpatch.ErrBadJSONPatch {
		err = apierrors.NewBadRequest(err.Error())
	}
	if err != nil {
		return patchResult{Fault: faultOf(err)}, nil
	}
	return patchResult{Object: patched, Strict: strict}, nil
}

type strategicPatchArgs struct {
	typeArgs
	Original json.RawMessage `json:"original"`
	Patch    string          `json:"patch"`
	// Validation is Ignore (default), Warn or Strict, for Decode.
	Validation string `json:"validation"`
	// Typed first reads the original into the kind's Go type, as a server does: what always is written appears in it.
	Typed bool `json:"typed"`
	// Decode also reads the result into the kind's Go type, and answers what that says.
	Decode bool `json:"decode"`
}

func patchStrategic(args strategicPatchArgs) (any, error) {
	object, err := args.empty()
	if err != nil {
		return nil, err
	}
	original, err := tree(args.Original)
	if err != nil {
		return nil, err
	}
	if args.Typed {
		current, err := typedObject(args.kind(), args.Original)
		if err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
		if original, err = runtime.DefaultUnstructuredConverter.ToUnstructured(current); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
	}
	patch := map[string]any{}
	var strict []error
	if args.Validation == "Strict" || args.Validation == "Warn" {
		strict, err = kjson.UnmarshalStrict([]byte(args.Patch), &patch)
	} else {
		err = kjson.UnmarshalCaseSensitivePreserveInts([]byte(args.Patch), &patch)
	}
	if err != nil {
		return patchResult{Fault: faultOf(apierrors.NewBadRequest(err.Error()))}, nil
	}
	patched, err := strategicpatch.StrategicMergeMapPatch(original, patch, object)
	if err != nil {
		return patchResult{Fault: strategicFault(err)}, nil
	}
	if !args.Decode {
		text, err := encode(patched)
		return patchResult{Object: text, Strict: texts(strict)}, err
	}
	return decodePatched(args, object, patched, patch, strict)
}

// decodePatched goes on as a server does (applyPatchToObject in endpoints/handlers/patch.go).
func decodePatched(args strategicPatchArgs, object runtime.Object, patched, patch map[string]any, strict []error) (any, error) {
	told := args.Validation == "Strict" || args.Validation == "Warn"
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(patched, object, told); err != nil {
		strictError, ok := runtime.AsStrictDecodingError(err)
		if !ok {
			return patchResult{Fault: faultOf(apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{
				field.Invalid(field.NewPath("patch"), fmt.Sprintf("%+v", patch), err.Error()),
			}))}, nil
		}
		strict = append(strict, strictError.Errors()...)
	}
	if len(strict) > 0 && args.Validation == "Strict" {
		return patchResult{Fault: faultOf(apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{
			field.Invalid(field.NewPath("patch"), fmt.Sprintf("%+v", patch), runtime.NewStrictDecodingError(strict).Error()),
		})), Strict: texts(strict)}, nil
	}
	text, err := encode(object)
	return patchResult{Object: text, Strict: texts(strict)}, err
}

// strategicFault gives an error the code that a server gives it (interpretStrategicMergePatchError).
func strategicFault(err error) *fault {
	switch err {
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat:
		return faultOf(apierrors.NewBadRequest(err.Error()))
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return unprocessable(err)
	default:
		// A server answers such an error with 500.
		return faultOf(err)
	}
}

func init() {
	jsonpatch.AccumulatedCopySizeLimit = maxCopiedBytes
	operations["patch.json"] = op(patchJSON)
	operations["patch.merge"] = op(patchMerge)
	operations["patch.strategic"] = op(patchStrategic)
}
