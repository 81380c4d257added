package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
)

// property is what the published OpenAPI v3 documents say about one field and Go's reflection cannot.
type property struct {
	Default       any      `json:"default"`
	ListType      string   `json:"x-kubernetes-list-type"`
	ListMapKeys   []string `json:"x-kubernetes-list-map-keys"`
	MapType       string   `json:"x-kubernetes-map-type"`
	PatchStrategy string   `json:"x-kubernetes-patch-strategy"`
	PatchMergeKey string   `json:"x-kubernetes-patch-merge-key"`
}

type component struct {
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
	MapType    string              `json:"x-kubernetes-map-type"`
	Unions     []any               `json:"x-kubernetes-unions"`
}

// readOpenAPI merges the components of all documents by their names.
func readOpenAPI(dir string) map[string]component {
	files, err := filepath.Glob(filepath.Join(dir, "*_openapi.json"))
	must(err)
	components := map[string]component{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(err)
		var doc struct {
			Components struct {
				Schemas map[string]component `json:"schemas"`
			} `json:"components"`
		}
		must(json.Unmarshal(data, &doc))
		for name, schema := range doc.Components.Schemas {
			components[name] = schema
		}
	}
	return components
}

// isZeroDefault tells defaults that only state Go's zero value of a field that is no pointer.
func isZeroDefault(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	default:
		return reflect.ValueOf(v).IsZero()
	}
}
