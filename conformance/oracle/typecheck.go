package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/restmapper"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

type typeCheckArgs struct {
	Policy *admissionregistrationv1.ValidatingAdmissionPolicy `json:"policy"`
	// CRDs are the kinds that there are, besides Resources.
	CRDs []json.RawMessage `json:"crds"`
	// Resources are those of built-in kinds.
	Resources []builtInResource `json:"resources"`
}

type builtInResource struct {
	typeArgs
	Resource   string `json:"resource"`
	Singular   string `json:"singular"`
	Namespaced bool   `json:"namespaced"`
}

// definitions are the schemas of built-in kinds, as the controller of policies' status has them.
var definitions = &keptSchemas{
	resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, scheme.Scheme, builtIn),
	map[schema.GroupVersionKind]*spec.Schema{},
}

// keptSchemas puts each schema together once; nobody writes into them.
type keptSchemas struct {
	resolver.SchemaResolver
	kept map[schema.GroupVersionKind]*spec.Schema
}

func (s *keptSchemas) ResolveSchema(kind schema.GroupVersionKind) (*spec.Schema, error) {
	if found, ok := s.kept[kind]; ok {
		return found, nil
	}
	found, err := s.SchemaResolver.ResolveSchema(kind)
	if err == nil {
		s.kept[kind] = found
	}
	return found, err
}

// publishedSchemas answers the schema of a kind as a server publishes it.
type publishedSchemas map[schema.GroupVersionKind]*spec.Schema

func (s publishedSchemas) ResolveSchema(kind schema.GroupVersionKind) (*spec.Schema, error) {
	if found, ok := s[kind]; ok {
		return found, nil
	}
	return nil, resolver.ErrSchemaNotFound
}

// bothSchemas looks into the first, then into the second.
type bothSchemas [2]resolver.SchemaResolver

func (b bothSchemas) ResolveSchema(kind schema.GroupVersionKind) (*spec.Schema, error) {
	found, err := b[0].ResolveSchema(kind)
	if errors.Is(err, resolver.ErrSchemaNotFound) {
		return b[1].ResolveSchema(kind)
	}
	return found, err
}

// resources are what discovery tells.
type resources map[schema.GroupVersion][]metav1.APIResource

func (r resources) add(kind schema.GroupVersionKind, plural, singular string, namespaced bool) {
	r[kind.GroupVersion()] = append(r[kind.GroupVersion()], metav1.APIResource{
		Name: plural, SingularName: singular, Kind: kind.Kind, Namespaced: namespaced,
	})
}

func (r resources) mapper() meta.RESTMapper {
	groups, all := map[string]*restmapper.APIGroupResources{}, []*restmapper.APIGroupResources{}
	versions := []schema.GroupVersion{}
	for version := range r {
		versions = append(versions, version)
	}
	sort.Slice(versions, func(i, j int) bool { return versions[i].String() < versions[j].String() })
	for _, version := range versions {
		group, ok := groups[version.Group]
		if !ok {
			group = &restmapper.APIGroupResources{Group: metav1.APIGroup{Name: version.Group}, VersionedResources: map[string][]metav1.APIResource{}}
			groups[version.Group], all = group, append(all, group)
		}
		group.Group.Versions = append(group.Group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version})
		group.VersionedResources[version.Version] = r[version]
	}
	return restmapper.NewDiscoveryRESTMapper(all)
}

// publish adds the schemas of a custom kind in all its versions.
func (s publishedSchemas) publish(crd *customResource, found resources) error {
	for _, version := range crd.v1.Spec.Versions {
		kind := crd.kind(version.Name)
		document, err := builder.BuildOpenAPIV3(crd.v1, version.Name, builder.Options{IncludeSelectableFields: true})
		if err != nil {
			return err
		}
		schemas := document.Components.Schemas
		for name, published := range schemas {
			kinds, ok := published.Extensions["x-kubernetes-group-version-kind"]
			if !ok || !strings.HasSuffix(name, "."+kind.Kind) || kinds == nil {
				continue
			}
			full, err := resolver.PopulateRefs(func(ref string) (*spec.Schema, bool) {
				one, ok := schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
				return one, ok
			}, "#/components/schemas/"+name)
			if err != nil {
				return err
			}
			s[kind] = full
		}
		found.add(kind, crd.v1.Spec.Names.Plural, crd.v1.Spec.Names.Singular, crd.v1.Spec.Scope == apiextensionsv1.NamespaceScoped)
	}
	return nil
}

func checkPolicy(args typeCheckArgs) (any, error) {
	custom, found := publishedSchemas{}, resources{}
	for _, one := range args.Resources {
		found.add(one.kind(), one.Resource, one.Singular, one.Namespaced)
	}
	for _, raw := range args.CRDs {
		crd, err := customResourceOf(raw)
		if err != nil {
			return nil, err
		}
		if err := custom.publish(crd, found); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
	}
	checker := validating.TypeChecker{SchemaResolver: bothSchemas{custom, definitions}, RestMapper: found.mapper()}
	warnings := checker.Check(args.Policy)
	if warnings == nil {
		warnings = []admissionregistrationv1.ExpressionWarning{}
	}
	return warnings, nil
}

func init() {
	operations["policy.check"] = op(checkPolicy)
}
