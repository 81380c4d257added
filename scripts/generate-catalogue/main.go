// Command generate-catalogue writes the schema catalogue of the built-in kinds (src/api/catalogue/*.generated.json)
// from upstream's Go modules. It takes facts only: names, types, numbers, tags and markers; no comment text.
//
// Usage: go run . [-out ../../src/api/catalogue] [-release v1.36.3]
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "../../src/api/catalogue", "directory that receives the generated files")
	release := flag.String("release", "v1.36.3", "version of module k8s.io/kubernetes whose discovery and OpenAPI documents are read")
	flag.Parse()
	log.SetFlags(0)

	kubernetes := moduleDir("k8s.io/kubernetes@" + *release)
	enabled := enabledVersions(kubernetes)
	facts := readOpenAPI(filepath.Join(kubernetes, "api/openapi-spec/v3"))
	enums := readEnums([]string{"k8s.io/api", "k8s.io/apimachinery", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator"})

	types := newTypes(facts, enums)
	kinds := types.addKinds(enabled)
	resources := readDiscovery(filepath.Join(kubernetes, "api/discovery"), enabled, kubernetes)

	old, _ := filepath.Glob(filepath.Join(*out, "*.generated.json"))
	for _, file := range old {
		must(os.Remove(file))
	}
	must(os.MkdirAll(*out, 0o755))
	total := 0
	for pkg, doc := range types.packages() {
		total += writeJSON(filepath.Join(*out, pkg+".generated.json"), doc)
	}
	total += writeJSON(filepath.Join(*out, "kinds.generated.json"), kinds)
	total += writeJSON(filepath.Join(*out, "resources.generated.json"), map[string]any{
		"release": strings.TrimPrefix(*release, "v"), "groups": resources,
	})
	log.Printf("%d types, %d resources, %d KiB", len(types.byName), countResources(resources), total/1024)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
