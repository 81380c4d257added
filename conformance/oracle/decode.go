package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

type decodeArgs struct {
	// The kind that the request expects; a body without a kind of its own is taken for one.
	typeArgs
	Body string `json:"body"`
	// Base64 is the body when it is no valid UTF-8.
	Base64 string `json:"base64"`
	// MediaType is application/json (default), application/yaml or application/vnd.kubernetes.protobuf.
	MediaType string `json:"mediaType"`
	// Lenient does not look for unknown and duplicate fields.
	Lenient bool `json:"lenient"`
}

type decodeResult struct {
	// Object is what was read, written again.
	Object     json.RawMessage `json:"object,omitempty"`
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	// Strict has the strict errors one by one.
	Strict []string `json:"strict"`
	Fault  *fault   `json:"fault,omitempty"`
	// Missing says that the body does not tell its kind or version, NotRegistered that nobody knows them.
	Missing       bool `json:"missing,omitempty"`
	NotRegistered bool `json:"notRegistered,omitempty"`
}

func decodeBody(args decodeArgs) (any, error) {
	body := []byte(args.Body)
	if args.Base64 != "" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(args.Base64); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
	}
	mediaType := args.MediaType
	if mediaType == "" {
		mediaType = runtime.ContentTypeJSON
	}
	info, known := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), mediaType)
	if !known {
		return nil, fmt.Errorf("oracle: unknown media type %q", mediaType)
	}
	reader := info.Serializer
	if !args.Lenient && info.StrictSerializer != nil {
		reader = info.StrictSerializer
	}
	into, err := args.empty()
	if err != nil {
		return nil, err
	}
	kind := args.kind()
	object, told, err := undefaulted(reader, kind.GroupVersion()).Decode(body, &kind, into)
	result := decodeResult{Strict: []string{}}
	if told != nil {
		result.APIVersion, result.Kind = told.ToAPIVersionAndKind()
	}
	if err != nil {
		strict, ok := runtime.AsStrictDecodingError(err)
		if !ok || object == nil {
			result.Fault = faultOf(err)
			result.Missing = runtime.IsMissingKind(err) || runtime.IsMissingVersion(err)
			result.NotRegistered = runtime.IsNotRegisteredError(err)
			return result, nil
		}
		result.Strict = texts(strict.Errors())
	}
	if told != nil {
		object.GetObjectKind().SetGroupVersionKind(*told)
	}
	result.Object, err = encode(object)
	return result, err
}

type yamlArgs struct {
	Text string `json:"text"`
	// Base64 is the text when it is no valid UTF-8.
	Base64 string `json:"base64"`
	Strict bool   `json:"strict"`
}

// yamlToJSON reads YAML as every body in YAML is read first.
func yamlToJSON(args yamlArgs) (any, error) {
	text := []byte(args.Text)
	if args.Base64 != "" {
		var err error
		if text, err = base64.StdEncoding.DecodeString(args.Base64); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
	}
	read := yaml.YAMLToJSON
	if args.Strict {
		read = yaml.YAMLToJSONStrict
	}
	value, err := read(text)
	return json.RawMessage(value), err
}

func init() {
	operations["yaml.read"] = op(yamlToJSON)
	operations["decode"] = op(decodeBody)
}
