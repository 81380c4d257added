package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"
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
	// Webhook says that they are those of a webhook: without variables.
	Webhook bool `json:"webhook"`
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
	for index, expression := range args.Expressions {
		if args.Match != nil {
			accessors = append(accessors, &matchconditions.MatchCondition{Name: fmt.Sprintf("condition%d", index), Expression: expression})
			continue
		}
		accessors = append(accessors, &typedExpression{namedExpression{"", expression}, returnTypes[args.Returns]})
	}
	var condition plugincel.ConditionEvaluator = compiler.CompileCondition(accessors, options, mode)
	if args.Webhook {
		condition = plugincel.NewConditionCompiler(policyEnv).CompileCondition(accessors, options, mode)
	}
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
		bindings := plugincel.OptionalVariableBindings{VersionedParams: params, Authorizer: knownAuthorizer}
		asked := plugincel.CreateAdmissionRequest(attributes, request.Resource, request.Kind)
		if _, result.Remaining, err = condition.ForInput(compiler.CreateContext(background), versioned, asked, bindings, nil, celconfig.RuntimeCELCostBudgetMatchConditions); err != nil {
			result.Remaining = -1
		}
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

func init() {
	operations["policy.evaluate"] = op(evaluatePolicy)
}
