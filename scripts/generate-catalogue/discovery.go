package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

type apiResource struct {
	Name               string   `json:"name"`
	SingularName       string   `json:"singularName"`
	Namespaced         bool     `json:"namespaced"`
	Group              string   `json:"group"`
	Version            string   `json:"version"`
	Kind               string   `json:"kind"`
	Verbs              []string `json:"verbs"`
	ShortNames         []string `json:"shortNames"`
	Categories         []string `json:"categories"`
	StorageVersionHash string   `json:"storageVersionHash"`
}

type subresource struct {
	Name    string   `json:"name"`
	Group   *string  `json:"group,omitempty"` // absent: the group and version of the resource
	Version string   `json:"version,omitempty"`
	Kind    string   `json:"kind"`
	Verbs   []string `json:"verbs"`
}

type version struct {
	Version      string        `json:"version"`
	Kind         string        `json:"kind"`
	Type         string        `json:"type"`
	Verbs        []string      `json:"verbs"`
	Subresources []subresource `json:"subresources,omitempty"`
}

type resourceDoc struct {
	Resource           string    `json:"resource"`
	Singular           string    `json:"singular"`
	Namespaced         bool      `json:"namespaced,omitempty"`
	ShortNames         []string  `json:"shortNames,omitempty"`
	Categories         []string  `json:"categories,omitempty"`
	StorageVersion     string    `json:"storageVersion"`
	StorageVersionHash string    `json:"storageVersionHash,omitempty"`
	Versions           []version `json:"versions"`
}

type groupDoc struct {
	Group     string         `json:"group"`
	Resources []*resourceDoc `json:"resources"`
}

// readDiscovery reads upstream's own discovery documents for the enabled group-versions. Groups and the versions of each
// keep the order of `apis.json`, which is the order of preference.
func readDiscovery(dir string, enabled map[string]bool, kubernetes string) []*groupDoc {
	var list struct {
		Groups []struct {
			Name     string
			Versions []struct{ GroupVersion, Version string }
		}
	}
	readJSON(filepath.Join(dir, "apis.json"), &list)
	storage := storageVersions(kubernetes)
	core := &groupDoc{Group: ""}
	core.add("v1", filepath.Join(dir, "api__v1.json"), storage)
	docs := []*groupDoc{core}
	seen := map[string]bool{"v1": true}
	for _, group := range list.Groups {
		doc := &groupDoc{Group: group.Name}
		for _, v := range group.Versions {
			if enabled[v.GroupVersion] {
				seen[v.GroupVersion] = true
				doc.add(v.Version, filepath.Join(dir, "apis__"+strings.ReplaceAll(v.GroupVersion, "/", "__")+".json"), storage)
			}
		}
		if len(doc.Resources) > 0 {
			docs = append(docs, doc)
		}
	}
	for gv := range enabled {
		if !seen[gv] {
			log.Fatalf("%s is enabled but discovery does not know it", gv)
		}
	}
	return docs
}

func (g *groupDoc) add(v string, file string, storage map[string]string) {
	var list struct{ Resources []apiResource }
	readJSON(file, &list)
	byName := map[string]*resourceDoc{}
	for _, r := range g.Resources {
		byName[r.Resource] = r
	}
	for _, r := range list.Resources {
		parent, sub, isSub := strings.Cut(r.Name, "/")
		if !isSub {
			doc := byName[r.Name]
			if doc == nil {
				doc = &resourceDoc{Resource: r.Name, Singular: r.SingularName, Namespaced: r.Namespaced, ShortNames: r.ShortNames,
					Categories: r.Categories, StorageVersionHash: r.StorageVersionHash, StorageVersion: v}
				if preferred, ok := storage[g.Group]; ok {
					doc.StorageVersion = preferred
				}
				byName[r.Name] = doc
				g.Resources = append(g.Resources, doc)
			}
			doc.Versions = append(doc.Versions, version{Version: v, Kind: r.Kind, Type: kindType(g.Group, v, r.Kind), Verbs: r.Verbs})
			continue
		}
		versions := byName[parent].Versions
		last := &versions[len(versions)-1]
		entry := subresource{Name: sub, Kind: r.Kind, Verbs: r.Verbs}
		if r.Version != "" && (r.Group != g.Group || r.Version != v) {
			group := r.Group
			entry.Group, entry.Version = &group, r.Version
		}
		last.Subresources = append(last.Subresources, entry)
	}
	for _, r := range g.Resources {
		for _, sub := range r.Versions {
			sort.Slice(sub.Subresources, func(i, j int) bool { return sub.Subresources[i].Name < sub.Subresources[j].Name })
		}
	}
}

func kindType(group, v, kind string) string {
	for _, s := range schemes() {
		if t, ok := s.KnownTypes(schema.GroupVersion{Group: group, Version: v})[kind]; ok {
			return (&types{}).name(t)
		}
	}
	log.Fatalf("no type for %s/%s %s", group, v, kind)
	return ""
}

var priority = regexp.MustCompile(`SetVersionPriority\(\s*(\w+)\.SchemeGroupVersion\s*,`)
var groupName = regexp.MustCompile(`GroupName = "([^"]+)"`)

// storageVersions gives, for groups with several versions, the first of SetVersionPriority in pkg/apis/<group>/install: the
// version objects are stored in unless a resource overrides it. The release's overrides name only versions that are off by default.
func storageVersions(kubernetes string) map[string]string {
	files, err := filepath.Glob(filepath.Join(kubernetes, "pkg/apis/*/install/install.go"))
	must(err)
	versions := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(err)
		match := priority.FindSubmatch(data)
		if match == nil {
			continue
		}
		register, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(file)), "register.go"))
		must(err)
		name := groupName.FindSubmatch(register)
		if name == nil {
			continue
		}
		alias := string(match[1])
		versions[string(name[1])] = alias[strings.LastIndex(alias, "v"):]
	}
	return versions
}

func countResources(groups []*groupDoc) int {
	n := 0
	for _, g := range groups {
		n += len(g.Resources)
	}
	return n
}

func readJSON(file string, into any) {
	data, err := os.ReadFile(file)
	must(err)
	must(json.Unmarshal(data, into))
}

// writeJSON writes one line per member of the two outermost levels, so that changes of a release can be read.
func writeJSON(file string, value any) int {
	data, err := json.Marshal(value)
	must(err)
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	must(decoder.Decode(&tree))
	var out bytes.Buffer
	writeLevel(&out, tree, 2)
	out.WriteByte('\n')
	must(os.WriteFile(file, out.Bytes(), 0o644))
	return out.Len()
}

func writeLevel(out *bytes.Buffer, value any, levels int) {
	object, isObject := value.(map[string]any)
	list, isList := value.([]any)
	if levels == 0 || !isObject && !isList {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		must(encoder.Encode(value))
		out.Truncate(out.Len() - 1)
		return
	}
	if isList {
		out.WriteString("[\n")
		for i, item := range list {
			if i > 0 {
				out.WriteString(",\n")
			}
			writeLevel(out, item, 0)
		}
		out.WriteString("\n]")
		return
	}
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	out.WriteString("{\n")
	for i, key := range keys {
		if i > 0 {
			out.WriteString(",\n")
		}
		name, _ := json.Marshal(key)
		out.Write(name)
		out.WriteByte(':')
		writeLevel(out, object[key], levels-1)
	}
	out.WriteString("\n}")
}
