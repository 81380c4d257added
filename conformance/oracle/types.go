package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/versioning"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"
)

// builtIn knows every built-in kind, in its versions on the wire.
var builtIn = func() *runtime.Scheme {
	kinds := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(kinds))
	utilruntime.Must(apiextensionsv1.AddToScheme(kinds))
	return kinds
}()

var codecs = serializer.NewCodecFactory(builtIn)

// undefaulted is codecs.DecoderToVersion without defaults: packages that are here for something else register some.
func undefaulted(reader runtime.Decoder, version schema.GroupVersion) runtime.Codec {
	return versioning.NewCodec(nil, reader, runtime.UnsafeObjectConvertor(builtIn), builtIn, builtIn, nil, nil, version, builtIn.Name())
}

// typeArgs names a kind.
type typeArgs struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

func (t typeArgs) kind() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(t.APIVersion, t.Kind)
}

// empty is a new object of a built-in kind.
func (t typeArgs) empty() (runtime.Object, error) {
	object, err := builtIn.New(t.kind())
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return object, nil
}

// tree reads JSON as a server does for what has no Go type: integers stay integers.
func tree(raw json.RawMessage) (map[string]any, error) {
	object := map[string]any{}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return object, nil
}

// anyTree is tree for what need not be an object.
func anyTree(raw json.RawMessage) (any, error) {
	var value any
	if len(raw) == 0 {
		return nil, nil
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &value); err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return value, nil
}

// typedObject reads JSON into the Go type of a built-in kind.
func typedObject(kind schema.GroupVersionKind, raw []byte) (runtime.Object, error) {
	object, err := builtIn.New(kind)
	if err != nil {
		return nil, err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, object); err != nil {
		return nil, err
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	return object, nil
}
