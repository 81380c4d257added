package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

type namedExpression struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// typedExpression is an expression of a policy; Types are what it may give.
type typedExpression struct {
	namedExpression
	types []*cel.Type
}

func (e *typedExpression) GetName() string          { return e.Name }
func (e *typedExpression) GetExpression() string    { return e.Expression }
func (e *typedExpression) ReturnTypes() []*cel.Type { return e.types }

type policyArgs struct {
	Variables   []namedExpression `json:"variables"`
	Expressions []string          `json:"expressions"`
	// Returns is any (default), bool, string, or string or null (stringOrNull).
	Returns string `json:"returns"`
	// HasParams says that the policy has a paramKind.
	HasParams bool                          `json:"hasParams"`
	Object    json.RawMessage               `json:"object"`
	OldObject json.RawMessage               `json:"oldObject"`
	Params    json.RawMessage               `json:"params"`
	Namespace *corev1.Namespace             `json:"namespace"`
	Request   *admissionv1.AdmissionRequest `json:"request"`
	Budget    int64                         `json:"budget"`
	// Match evaluates the expressions as match conditions with this failure policy.
	Match *admissionregistrationv1.FailurePolicyType `json:"match"`
}

type evaluated struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

type policyResult struct {
	Compile   []string    `json:"compile"`
	Results   []evaluated `json:"results,omitempty"`
	Remaining int64       `json:"remaining"`
	Fault     string      `json:"fault,omitempty"`
	Matches   *bool       `json:"matches,omitempty"`
	Failed    string      `json:"failed,omitempty"`
}

var returnTypes = map[string][]*cel.Type{
	"": {cel.AnyType}, "any": {cel.AnyType}, "bool": {cel.BoolType}, "string": {cel.StringType},
	"stringOrNull": {cel.StringType, cel.NullType},
}

var policyEnv = environment.MustBaseEnvSet(version.MajorMinor(1, 36))

// knownAuthorizer allows to get and list, denies to delete, and breaks at escalate.
var knownAuthorizer = authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	switch a.GetVerb() {
	case "get", "list":
		return authorizer.DecisionAllow, "for " + a.GetUser().GetName() + " in " + a.GetNamespace(), nil
	case "delete":
		return authorizer.DecisionDeny, "never", nil
	case "escalate":
		return authorizer.DecisionNoOpinion, "", fmt.Errorf("broken")
	}
	return authorizer.DecisionNoOpinion, "", nil
})

func optionalObject(raw json.RawMessage) (runtime.Object, error) {
	content, err := tree(raw)
	if content == nil || err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: content}, nil
}

func evaluatePolicy(args policyArgs) (any, error) {
	compiler, err := plugincel.NewCompositedCompiler(policyEnv)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	options := plugincel.OptionalVariableDeclarations{HasParams: args.HasParams, HasAuthorizer: true}
	mode := environment.StoredExpressions
	result := policyResult{Compile: []string{}}
	for _, variable := range args.Variables {
		compiled := compiler.CompileAndStoreVariable(&typedExpression{variable, []*cel.Type{cel.AnyType, cel.DynType}}, options, mode)
		if compiled.Error != nil {
			result.Compile = append(result.Compile, compiled.Error.Error())
		}
	}
	accessors := []plugincel.ExpressionAccessor{}
	for _, expression := range args.Expressions {
		accessors = append(accessors, &typedExpression{namedExpression{"", expression}, returnTypes[args.Returns]})
	}
	condition := compiler.CompileCondition(accessors, options, mode)
	for _, err := range condition.CompilationErrors() {
		result.Compile = append(result.Compile, err.Error())
	}
	object, err := optionalObject(args.Object)
	if err != nil {
		return nil, err
	}
	old, err := optionalObject(args.OldObject)
	if err != nil {
		return nil, err
	}
	params, err := optionalObject(args.Params)
	if err != nil {
		return nil, err
	}
	request := args.Request
	kind := schema.GroupVersionKind(request.Kind)
	attributes := admission.NewAttributesRecord(object, old, kind, request.Namespace, request.Name,
		schema.GroupVersionResource(request.Resource), request.SubResource, admission.Operation(request.Operation), nil, false,
		&user.DefaultInfo{Name: request.UserInfo.Username})
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: object, VersionedOldObject: old}
	if args.Match != nil {
		matched := matchconditions.NewMatcher(condition, args.Match, "policy", "validating", "x").Match(background, versioned, params, knownAuthorizer)
		result.Matches, result.Failed = &matched.Matches, matched.FailedConditionName
		if matched.Error != nil {
			result.Fault = matched.Error.Error()
		}
		return result, nil
	}
	evaluations, remaining, err := condition.ForInput(compiler.CreateContext(background), versioned, request,
		plugincel.OptionalVariableBindings{VersionedParams: params, Authorizer: knownAuthorizer}, plugincel.CreateNamespaceObject(args.Namespace), args.Budget)
	result.Remaining = remaining
	if err != nil {
		result.Fault = err.Error()
		return result, nil
	}
	for _, evaluation := range evaluations {
		if evaluation.Error != nil {
			result.Results = append(result.Results, evaluated{Error: evaluation.Error.Error()})
		} else {
			result.Results = append(result.Results, evaluated{Value: celValue(evaluation.EvalResult)})
		}
	}
	return result, nil
}

type typeCheckArgs struct {
	Policy *admissionregistrationv1.ValidatingAdmissionPolicy `json:"policy"`
	// CRDs are the kinds that there are.
	CRDs []json.RawMessage `json:"crds"`
}

// publishedSchemas answers the schema of a kind as a server publishes it.
type publishedSchemas map[schema.GroupVersionKind]*spec.Schema

func (s publishedSchemas) ResolveSchema(kind schema.GroupVersionKind) (*spec.Schema, error) {
	if found, ok := s[kind]; ok {
		return found, nil
	}
	return nil, resolver.ErrSchemaNotFound
}

func checkPolicy(args typeCheckArgs) (any, error) {
	schemas, mapper := publishedSchemas{}, meta.NewDefaultRESTMapper(nil)
	for _, raw := range args.CRDs {
		crd, err := customResourceOf(raw)
		if err != nil {
			return nil, err
		}
		for _, version := range crd.v1.Spec.Versions {
			kind := crd.kind(version.Name)
			document, err := builder.BuildOpenAPIV3(crd.v1, version.Name, builder.Options{IncludeSelectableFields: true})
			if err != nil {
				return nil, err
			}
			for name, published := range document.Components.Schemas {
				kinds, ok := published.Extensions["x-kubernetes-group-version-kind"]
				if !ok || name[len(name)-len(kind.Kind):] != kind.Kind || kinds == nil {
					continue
				}
				full, err := resolver.PopulateRefs(func(ref string) (*spec.Schema, bool) {
					found, ok := document.Components.Schemas[ref[len("#/components/schemas/"):]]
					return found, ok
				}, "#/components/schemas/"+name)
				if err != nil {
					return nil, err
				}
				schemas[kind] = full
			}
			scope := meta.RESTScopeNamespace
			if crd.v1.Spec.Scope == apiextensionsv1.ClusterScoped {
				scope = meta.RESTScopeRoot
			}
			resource := kind.GroupVersion().WithResource(crd.v1.Spec.Names.Plural)
			mapper.AddSpecific(kind, resource, kind.GroupVersion().WithResource(crd.v1.Spec.Names.Singular), scope)
		}
	}
	checker := validating.TypeChecker{SchemaResolver: schemas, RestMapper: mapper}
	warnings := checker.Check(args.Policy)
	if warnings == nil {
		warnings = []admissionregistrationv1.ExpressionWarning{}
	}
	return warnings, nil
}

func init() {
	operations["policy.evaluate"] = op(evaluatePolicy)
	operations["policy.check"] = op(checkPolicy)
}
