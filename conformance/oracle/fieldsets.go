package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// rawType is a type of structured-merge-diff: a kind, or one of a schema in its own YAML.
type rawType struct {
	appliedType
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

func (t rawType) read(raw json.RawMessage) (*typed.TypedValue, error) {
	if t.Schema == "" {
		m, err := t.machinery()
		if err != nil {
			return nil, err
		}
		object, err := m.read(raw)
		if err != nil {
			return nil, err
		}
		return m.types.ObjectToTyped(object)
	}
	parser, err := parserOf(t.Schema)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	content, err := anyTree(raw)
	if err != nil {
		return nil, err
	}
	return parser.Type(t.Name).FromUnstructured(content)
}

// parsers by their schema: objects can be compared only when their types are of one.
var parsers = map[string]*typed.Parser{}

func parserOf(schema string) (*typed.Parser, error) {
	if known, ok := parsers[schema]; ok {
		return known, nil
	}
	parser, err := typed.NewParser(typed.YAMLObject(schema))
	if err == nil {
		if len(parsers) >= maxCachedResources {
			clear(parsers)
		}
		parsers[schema] = parser
	}
	return parser, err
}

type mergeArgs struct {
	rawType
	Object json.RawMessage `json:"object"`
	// Other is what is compared, or applied.
	Other json.RawMessage `json:"other"`
	// Set has fields to remove or extract.
	Set json.RawMessage `json:"set"`
}

func setOf(raw []byte) (*fieldpath.Set, error) {
	set := &fieldpath.Set{}
	return set, set.FromJSON(strings.NewReader(string(raw)))
}

func setText(set *fieldpath.Set) json.RawMessage {
	text, err := set.ToJSON()
	if err != nil {
		panic(err)
	}
	return text
}

func valueText(value value.Value) (any, error) {
	text, err := json.Marshal(value.Unstructured())
	return json.RawMessage(text), err
}

func toFieldSet(args mergeArgs) (any, error) {
	object, err := args.read(args.Object)
	if err != nil {
		return nil, err
	}
	set, err := object.ToFieldSet()
	if err != nil {
		return nil, err
	}
	return setText(set), nil
}

func compareObjects(args mergeArgs) (any, error) {
	object, err := args.read(args.Object)
	if err != nil {
		return nil, err
	}
	other, err := args.read(args.Other)
	if err != nil {
		return nil, err
	}
	comparison, err := object.Compare(other)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"added": setText(comparison.Added), "modified": setText(comparison.Modified), "removed": setText(comparison.Removed),
	}, nil
}

func mergeObjects(args mergeArgs) (any, error) {
	object, err := args.read(args.Object)
	if err != nil {
		return nil, err
	}
	other, err := args.read(args.Other)
	if err != nil {
		return nil, err
	}
	merged, err := object.Merge(other)
	if err != nil {
		return nil, err
	}
	return valueText(merged.AsValue())
}

func removeItems(args mergeArgs) (any, error) {
	return cutItems(args, func(object *typed.TypedValue, set *fieldpath.Set) *typed.TypedValue { return object.RemoveItems(set) })
}

func extractItems(args mergeArgs) (any, error) {
	return cutItems(args, func(object *typed.TypedValue, set *fieldpath.Set) *typed.TypedValue { return object.ExtractItems(set) })
}

func cutItems(args mergeArgs, cut func(*typed.TypedValue, *fieldpath.Set) *typed.TypedValue) (any, error) {
	object, err := args.read(args.Object)
	if err != nil {
		return nil, err
	}
	set, err := setOf(args.Set)
	if err != nil {
		return nil, err
	}
	return valueText(cut(object, set).AsValue())
}

type setArgs struct {
	// Set and Other are FieldsV1, as text.
	Set   string `json:"set"`
	Other string `json:"other"`
}

// combineSets answers a set as upstream writes it, its paths, and what comes of it together with another.
func combineSets(args setArgs) (any, error) {
	set, err := setOf([]byte(args.Set))
	if err != nil {
		return nil, err
	}
	paths := []string{}
	set.Iterate(func(path fieldpath.Path) { paths = append(paths, path.String()) })
	result := map[string]any{
		"set": setText(set), "paths": paths, "text": set.String(), "size": set.Size(), "empty": set.Empty(),
		"leaves": setText(set.Leaves()),
	}
	if args.Other == "" {
		return result, nil
	}
	other, err := setOf([]byte(args.Other))
	if err != nil {
		return nil, err
	}
	result["union"] = setText(set.Union(other))
	result["intersection"] = setText(set.Intersection(other))
	result["difference"] = setText(set.Difference(other))
	result["recursiveDifference"] = setText(set.RecursiveDifference(other))
	result["equal"] = set.Equals(other)
	return result, nil
}

func init() {
	operations["fields.set"] = op(combineSets)
	operations["merge.toFieldSet"] = op(toFieldSet)
	operations["merge.compare"] = op(compareObjects)
	operations["merge.merge"] = op(mergeObjects)
	operations["merge.remove"] = op(removeItems)
	operations["merge.extract"] = op(extractItems)
}
