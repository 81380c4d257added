package main

import (
	"encoding/json"
	"fmt"
	"log"
	"reflect"
	"sort"
	"strconv"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// Types with a wire form of their own, by their expression in the generated files (docs/catalogue.md lists them).
var special = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():                                  "time",
	reflect.TypeFor[metav1.MicroTime]():                             "micro-time",
	reflect.TypeFor[metav1.Duration]():                              "duration",
	reflect.TypeFor[resource.Quantity]():                            "quantity",
	reflect.TypeFor[intstr.IntOrString]():                           "int-or-string",
	reflect.TypeFor[runtime.RawExtension]():                         "raw-extension",
	reflect.TypeFor[metav1.FieldsV1]():                              "fields-v1",
	reflect.TypeFor[apiextensionsv1.JSON]():                         "json",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrBool]():        "#JSONSchemaProps|bool",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrArray]():       "#JSONSchemaProps|list",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrStringArray](): "#JSONSchemaProps|texts",
	reflect.TypeFor[[]byte]():                                       "byte",
}

// field is one row: name, type expression, protobuf number (0: none), flags, extras. Trailing empty members are left out.
type field struct {
	name   string
	expr   string
	proto  int
	flags  string
	extras map[string]any
}

func (f field) MarshalJSON() ([]byte, error) {
	row := []any{f.name, f.expr, f.proto, f.flags, f.extras}
	switch {
	case len(f.extras) > 0:
	case f.flags != "":
		row = row[:4]
	case f.proto != 0:
		row = row[:3]
	default:
		row = row[:2]
	}
	return json.Marshal(row)
}

type goType struct {
	Fields []field `json:"f"`
	Atomic bool    `json:"atomic,omitempty"`
	Unions []any   `json:"unions,omitempty"`
}

type types struct {
	byName map[string]*goType
	used   map[string][]string // enums in use, by OpenAPI-like name
	facts  map[string]component
	enums  map[string][]string
}

func newTypes(facts map[string]component, enums map[string][]string) *types {
	return &types{byName: map[string]*goType{}, used: map[string][]string{}, facts: facts, enums: enums}
}

var extra = func() *runtime.Scheme {
	s := runtime.NewScheme()
	must(apiextensionsv1.AddToScheme(s))
	must(apiregistrationv1.AddToScheme(s))
	must(admissionv1.AddToScheme(s))
	must(apidiscoveryv2.AddToScheme(s))
	return s
}()

// Groups that are never REST resources but whose kinds travel on the wire.
var wireOnly = []string{"admission.k8s.io/v1", "apidiscovery.k8s.io/v2"}

func schemes() []*runtime.Scheme { return []*runtime.Scheme{scheme.Scheme, extra} }

func allGroupVersions() []schema.GroupVersion {
	var all []schema.GroupVersion
	for _, s := range schemes() {
		for gv := range gvSet(s) {
			if gv.Version != runtime.APIVersionInternal {
				all = append(all, gv)
			}
		}
	}
	return all
}

func gvSet(s *runtime.Scheme) map[schema.GroupVersion]bool {
	set := map[schema.GroupVersion]bool{}
	for gvk := range s.AllKnownTypes() {
		set[gvk.GroupVersion()] = true
	}
	return set
}

// packageOf is the import path that defines the kinds of a group-version ("" when it registers only meta kinds).
func packageOf(gv schema.GroupVersion) string {
	for _, s := range schemes() {
		for _, t := range s.KnownTypes(gv) {
			if !strings.Contains(t.PkgPath(), "apimachinery") {
				return t.PkgPath()
			}
		}
	}
	return ""
}

// addKinds adds every type reachable from the kinds of the enabled group-versions, and gives kind -> type per group-version.
func (ts *types) addKinds(enabled map[string]bool) map[string]map[string]string {
	for _, gv := range wireOnly {
		enabled[gv] = true
	}
	kinds := map[string]map[string]string{}
	for _, s := range schemes() {
		for gvk, t := range s.AllKnownTypes() {
			gv := gvk.GroupVersion().String()
			if t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" {
				if t.Name() == "InternalEvent" || gvk.Version == runtime.APIVersionInternal {
					continue
				}
				gv = "meta.k8s.io/v1"
			} else if !enabled[gv] {
				continue
			}
			if kinds[gv] == nil {
				kinds[gv] = map[string]string{}
			}
			kinds[gv][gvk.Kind] = ts.name(t)
			ts.add(t)
		}
	}
	for _, t := range []reflect.Type{
		reflect.TypeFor[metav1.Table](), reflect.TypeFor[metav1.TableOptions](),
		reflect.TypeFor[metav1.PartialObjectMetadata](), reflect.TypeFor[metav1.PartialObjectMetadataList](),
		reflect.TypeFor[metav1.APIVersions](), reflect.TypeFor[metav1.APIGroup](), reflect.TypeFor[metav1.APIGroupList](),
		reflect.TypeFor[metav1.APIResourceList](), reflect.TypeFor[metav1.Status](), reflect.TypeFor[metav1.DeleteOptions](),
		reflect.TypeFor[metav1.ListOptions](), reflect.TypeFor[metav1.GetOptions](), reflect.TypeFor[metav1.CreateOptions](),
		reflect.TypeFor[metav1.UpdateOptions](), reflect.TypeFor[metav1.PatchOptions](), reflect.TypeFor[metav1.ApplyOptions](),
		reflect.TypeFor[metav1.WatchEvent](), reflect.TypeFor[metav1.List](), reflect.TypeFor[metav1.Condition](),
	} {
		kinds["meta.k8s.io/v1"][t.Name()] = ts.name(t)
		ts.add(t)
	}
	for _, gv := range wireOnly {
		delete(enabled, gv)
	}
	return kinds
}

// name is the type's OpenAPI name: the import path with the host reversed, then the Go name.
func (ts *types) name(t reflect.Type) string {
	host, path, _ := strings.Cut(t.PkgPath(), "/")
	labels := strings.Split(host, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	name := strings.Join(labels, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + t.Name()
	if named, ok := reflect.Zero(t).Interface().(interface{ OpenAPIModelName() string }); ok && named.OpenAPIModelName() != name {
		log.Fatalf("%s calls itself %s", name, named.OpenAPIModelName())
	}
	return name
}

func (ts *types) add(t reflect.Type) { ts.addWith(t, component{}) }

// addWith adds a struct; `outer` is what the documents say of the struct that embeds it, used when they do not know it by name.
func (ts *types) addWith(t reflect.Type, outer component) {
	name := ts.name(t)
	if ts.byName[name] != nil {
		return
	}
	facts, known := ts.facts[name]
	if !known {
		facts = component{Properties: outer.Properties, Required: outer.Required}
	}
	added := &goType{Atomic: facts.MapType == "atomic", Unions: facts.Unions}
	ts.byName[name] = added
	added.Fields = ts.fields(t, facts)
}

func (ts *types) fields(t reflect.Type, facts component) []field {
	required := map[string]bool{}
	for _, name := range facts.Required {
		required[name] = true
	}
	fields := []field{}
	for i := range t.NumField() {
		f := t.Field(i)
		jsonName, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		proto, protoName := protobufTag(f.Tag.Get("protobuf"))
		if jsonName == "-" || !f.IsExported() {
			continue
		}
		if jsonName == "" {
			if !f.Anonymous {
				log.Fatalf("%s.%s has no JSON name", t, f.Name)
			}
			if proto == 0 { // TypeMeta: part of the object on every wire but protobuf's
				for _, meta := range ts.fields(f.Type, facts) {
					meta.proto = 0
					fields = append(fields, meta)
				}
				continue
			}
			// The documents know most embedded structs only by the fields of the struct around them.
			ts.addWith(f.Type, facts)
			fields = append(fields, field{name: protoName, expr: "#" + ts.name(f.Type), proto: proto, flags: "i"})
			continue
		}
		row := field{name: jsonName, proto: proto, extras: map[string]any{}}
		goType := f.Type
		if goType.Kind() == reflect.Pointer {
			row.flags += "p"
			goType = goType.Elem()
		}
		row.expr = ts.expr(goType)
		options = "," + options + ","
		if strings.Contains(options, ",omitempty,") {
			row.flags += "o"
		}
		if strings.Contains(options, ",omitzero,") {
			row.flags += "z"
		}
		if required[jsonName] {
			row.flags += "r"
		}
		ts.extras(&row, facts.Properties[jsonName], f)
		fields = append(fields, row)
	}
	return fields
}

func (ts *types) extras(row *field, fact property, f reflect.StructField) {
	if fact.Default != nil && (strings.Contains(row.flags, "p") || !isZeroDefault(fact.Default)) {
		row.extras["default"] = fact.Default
	} else if fact.Default != nil && f.Type.Kind() != reflect.Struct && strings.Contains(row.flags, "o") {
		row.extras["zero"] = true
	}
	if fact.ListType != "" {
		row.extras["list"] = fact.ListType
	}
	if len(fact.ListMapKeys) > 0 {
		row.extras["keys"] = fact.ListMapKeys
	}
	if fact.MapType == "atomic" {
		row.extras["atomic"] = true
	} else if fact.MapType == "granular" && strings.HasPrefix(row.expr, "#") {
		// The field is granular although its type is atomic.
		row.extras["atomic"] = false
	}
	// The tags are the source; the published documents must agree where they mention the field.
	strategy, key := f.Tag.Get("patchStrategy"), f.Tag.Get("patchMergeKey")
	if fact.PatchStrategy != "" && fact.PatchStrategy != strategy || fact.PatchMergeKey != "" && fact.PatchMergeKey != key {
		log.Fatalf("%s: patch tags %q %q differ from the documents' %q %q", row.name, strategy, key, fact.PatchStrategy, fact.PatchMergeKey)
	}
	if strategy != "" {
		row.extras["strategy"] = strategy
	}
	if key != "" {
		row.extras["mergeKey"] = key
	}
}

// goName is how Go's error texts call a named type (`v1.ResourceList`); empty for unnamed types.
func goName(t reflect.Type) string {
	if t.PkgPath() == "" {
		return ""
	}
	return t.String()
}

// expr is the compact form of a type: a scalar word, `string=Go name`, `#type`, `@enum`, `[Go name]items`, `*[Go name]items`
// (wrapped in protobuf), `{Go name}values`.
func (ts *types) expr(t reflect.Type) string {
	if word, ok := special[t]; ok {
		return word
	}
	switch t.Kind() {
	case reflect.Pointer:
		return ts.expr(t.Elem())
	case reflect.String:
		if values, ok := ts.enums[t.PkgPath()+"."+t.Name()]; ok {
			ts.used[ts.name(t)] = values
			return "@" + ts.name(t)
		}
		if t.PkgPath() != "" {
			return "string=" + goName(t)
		}
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32:
		return "int32"
	case reflect.Int64:
		return "int64"
	case reflect.Uint32:
		return "uint32"
	case reflect.Uint64:
		return "uint64"
	case reflect.Float64:
		return "double"
	case reflect.Float32:
		return "float"
	case reflect.Interface:
		return "any"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "byte"
		}
		prefix := "[" + goName(t) + "]"
		if _, wrapped := reflect.PointerTo(t).MethodByName("Marshal"); wrapped {
			prefix = "*" + prefix
		}
		return prefix + ts.expr(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			log.Fatalf("map with keys of type %s", t.Key())
		}
		return "{" + goName(t) + "}" + ts.expr(t.Elem())
	case reflect.Struct:
		ts.add(t)
		return "#" + ts.name(t)
	}
	panic(fmt.Sprintf("no expression for %s", t))
}

func protobufTag(tag string) (number int, name string) {
	parts := strings.Split(tag, ",")
	if len(parts) < 2 {
		return 0, ""
	}
	number, err := strconv.Atoi(parts[1])
	must(err)
	for _, part := range parts {
		if value, ok := strings.CutPrefix(part, "name="); ok {
			name = value
		}
	}
	return number, name
}

type packageDoc struct {
	Enums map[string][]string `json:"enums,omitempty"`
	Types map[string]*goType  `json:"types"`
}

// packages splits the types by their package: the name up to the last dot. Names of the same package lose that prefix.
func (ts *types) packages() map[string]*packageDoc {
	docs := map[string]*packageDoc{}
	doc := func(name string) (*packageDoc, string, string) {
		dot := strings.LastIndex(name, ".")
		pkg := name[:dot]
		if docs[pkg] == nil {
			docs[pkg] = &packageDoc{Types: map[string]*goType{}, Enums: map[string][]string{}}
		}
		return docs[pkg], pkg, name[dot+1:]
	}
	names := make([]string, 0, len(ts.byName))
	for name := range ts.byName {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		d, pkg, short := doc(name)
		t := ts.byName[name]
		for i := range t.Fields {
			for _, mark := range []string{"#", "@"} {
				before, rest, found := strings.Cut(t.Fields[i].expr, mark+pkg+".")
				if found && !strings.Contains(rest, ".") {
					t.Fields[i].expr = before + mark + rest
				}
			}
		}
		d.Types[short] = t
	}
	for name, values := range ts.used {
		d, _, short := doc(name)
		d.Enums[short] = values
	}
	return docs
}
