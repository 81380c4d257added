package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/version"
	policycel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

// celVariable is a declared variable: of a type by name, or of a structural schema.
type celVariable struct {
	// Type is written as int, list(string), map(string, dyn), optional(int), authorizer, request, namespace and so on.
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
	// Root says that the schema is that of a whole resource.
	Root bool `json:"root"`
	// Name is the name of the schema's type; it appears in messages. Default: selfType.
	Name string `json:"name"`
}

type celArgs struct {
	Expression string                     `json:"expression"`
	Variables  map[string]celVariable     `json:"variables"`
	Values     map[string]json.RawMessage `json:"values"`
	// Stored compiles as what is already stored is compiled: with everything that any version knows.
	Stored bool `json:"stored"`
	// Budget of one call, in units of cost; default: that of a server.
	Budget *uint64 `json:"budget"`
}

type celResult struct {
	Type string `json:"type"`
	// Min and Max are the estimate, as text: they go to 2^64-1.
	Min string `json:"min"`
	Max string `json:"max"`
	// Value is what came of the evaluation; numbers other than ints, bytes and the like are tagged objects.
	Value any `json:"value,omitempty"`
	// Cost of the evaluation, as text.
	Cost  string `json:"cost,omitempty"`
	Fault *fault `json:"fault,omitempty"`
}

// celProgram is a compiled expression and the schemas of its variables.
type celProgram struct {
	env     *cel.Env
	ast     *cel.Ast
	sizes   *declaredSizes
	schemas map[string]*structuralschema.Structural
	types   map[string]*cel.Type
}

func compileExpression(args celArgs) (*celProgram, *celResult, error) {
	program := &celProgram{
		sizes: &declaredSizes{map[string]*apiservercel.DeclType{}}, schemas: map[string]*structuralschema.Structural{}, types: map[string]*cel.Type{},
	}
	options := environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0)}
	names := make([]string, 0, len(args.Variables))
	for name := range args.Variables {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		declared := args.Variables[name]
		var celType *cel.Type
		var declType *apiservercel.DeclType
		switch {
		case declared.Schema != nil:
			structural, err := schemaArgs{Schema: declared.Schema}.structural()
			if err != nil {
				return nil, nil, err
			}
			declType = model.SchemaDeclType(structural, declared.Root)
			if declType == nil {
				return nil, nil, fmt.Errorf("oracle: the schema has no CEL type")
			}
			typeName := declared.Name
			if typeName == "" {
				typeName = "selfType"
			}
			declType = declType.MaybeAssignTypeName(typeName)
			program.schemas[name] = structural
		case declared.Type == "request":
			declType = policycel.BuildRequestType()
		case declared.Type == "namespace":
			declType = policycel.BuildNamespaceType()
		default:
			parsed, rest, err := parseCelType(declared.Type)
			if err != nil || rest != "" {
				return nil, nil, fmt.Errorf("oracle: bad type %q", declared.Type)
			}
			celType = parsed
		}
		if declType != nil {
			celType = declType.CelType()
			options.DeclTypes = append(options.DeclTypes, declType)
			program.sizes.roots[name] = declType
		}
		program.types[name] = celType
		options.EnvOptions = append(options.EnvOptions, cel.Variable(name, celType))
	}
	envs, err := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Extend(options)
	if err != nil {
		return nil, nil, fmt.Errorf("oracle: %w", err)
	}
	program.env = envs.NewExpressionsEnv()
	if args.Stored {
		program.env = envs.StoredExpressionsEnv()
	}
	ast, issues := program.env.Compile(args.Expression)
	if issues != nil && issues.Err() != nil {
		return nil, nil, fmt.Errorf("%s", issues.String())
	}
	program.ast = ast
	estimate, err := program.env.EstimateCost(ast, program.estimator())
	if err != nil {
		return nil, nil, fmt.Errorf("cost estimation failed: %w", err)
	}
	return program, &celResult{
		Type: ast.OutputType().String(), Min: strconv.FormatUint(estimate.Min, 10), Max: strconv.FormatUint(estimate.Max, 10),
	}, nil
}

func (p *celProgram) estimator() *library.CostEstimator {
	return &library.CostEstimator{SizeEstimator: p.sizes}
}

// declaredSizes tells the most elements that a variable's schema allows, as for rules of custom resources.
type declaredSizes struct {
	roots map[string]*apiservercel.DeclType
}

func (d *declaredSizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	path := element.Path()
	if len(path) == 0 {
		return nil
	}
	node := d.roots[path[0]]
	for _, name := range path[1:] {
		if node == nil {
			return nil
		}
		switch name {
		case "@items", "@values":
			node = node.ElemType
		case "@keys":
			node = node.KeyType
		default:
			field, known := node.Fields[name]
			if !known {
				return nil
			}
			node = field.Type
		}
	}
	if node == nil {
		return nil
	}
	return &checker.SizeEstimate{Min: 0, Max: uint64(node.MaxElements)}
}

func (d *declaredSizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

func celCompile(args celArgs) (any, error) {
	_, result, err := compileExpression(args)
	if err != nil {
		return nil, err
	}
	return result, nil
}

func celEvaluate(args celArgs) (any, error) {
	program, result, err := compileExpression(args)
	if err != nil {
		return nil, err
	}
	budget := uint64(celconfig.PerCallLimit)
	if args.Budget != nil {
		budget = *args.Budget
	}
	runnable, err := program.env.Program(program.ast,
		cel.CostLimit(budget), cel.CostTracking(program.estimator()), cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for name, raw := range args.Values {
		if values[name], err = program.value(name, raw); err != nil {
			return nil, err
		}
	}
	// A time so that no expression runs forever; upstream has the request's.
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	value, details, err := runnable.ContextEval(ctx, values)
	if details != nil && details.ActualCost() != nil {
		result.Cost = strconv.FormatUint(*details.ActualCost(), 10)
	}
	if err != nil {
		result.Fault = faultOf(err)
		return result, nil
	}
	result.Value = celJSON(value)
	return result, nil
}

// value makes a variable's value of JSON.
func (p *celProgram) value(name string, raw json.RawMessage) (any, error) {
	content, err := anyTree(raw)
	if err != nil {
		return nil, err
	}
	if structural, ok := p.schemas[name]; ok {
		return schemacel.UnstructuredToVal(content, structural), nil
	}
	return celValue(content, p.types[name])
}

func celValue(content any, celType *cel.Type) (any, error) {
	if celType == nil || content == nil {
		return content, nil
	}
	text, isText := content.(string)
	switch {
	case celType.IsExactType(library.AuthorizerType):
		return library.NewAuthorizerVal(&user.DefaultInfo{Name: "somebody"}, fixedAuthorizer{content == true}), nil
	case celType.IsExactType(cel.DurationType) && isText:
		duration, err := time.ParseDuration(text)
		return types.Duration{Duration: duration}, err
	case celType.IsExactType(cel.TimestampType) && isText:
		at, err := time.Parse(time.RFC3339Nano, text)
		return types.Timestamp{Time: at}, err
	case celType.IsExactType(cel.BytesType) && isText:
		return base64.StdEncoding.DecodeString(text)
	case celType.IsExactType(cel.DoubleType):
		if number, ok := content.(int64); ok {
			return float64(number), nil
		}
	case celType.IsExactType(cel.UintType):
		if number, ok := content.(int64); ok {
			return uint64(number), nil
		}
	}
	return content, nil
}

// fixedAuthorizer allows everything, or nothing.
type fixedAuthorizer struct{ allow bool }

func (f fixedAuthorizer) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	if f.allow {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// parseCelType reads the beginning of a text as a type.
func parseCelType(text string) (*cel.Type, string, error) {
	end := 0
	for end < len(text) && text[end] != '(' && text[end] != ')' && text[end] != ',' && text[end] != ' ' {
		end++
	}
	name, rest := text[:end], text[end:]
	parameters := []*cel.Type{}
	if rest != "" && rest[0] == '(' {
		rest = rest[1:]
		for {
			parameter, after, err := parseCelType(rest)
			if err != nil || after == "" {
				return nil, "", fmt.Errorf("bad type %q", text)
			}
			parameters = append(parameters, parameter)
			separator := after[0]
			rest = after[1:]
			if separator == ')' {
				break
			}
			for rest != "" && rest[0] == ' ' {
				rest = rest[1:]
			}
		}
	}
	switch {
	case name == "list" && len(parameters) == 1:
		return cel.ListType(parameters[0]), rest, nil
	case name == "map" && len(parameters) == 2:
		return cel.MapType(parameters[0], parameters[1]), rest, nil
	case name == "optional" && len(parameters) == 1:
		return cel.OptionalType(parameters[0]), rest, nil
	}
	simple := map[string]*cel.Type{
		"int": cel.IntType, "uint": cel.UintType, "double": cel.DoubleType, "bool": cel.BoolType, "string": cel.StringType,
		"bytes": cel.BytesType, "dyn": cel.DynType, "null": cel.NullType, "duration": cel.DurationType, "timestamp": cel.TimestampType,
		"type": cel.TypeType, "any": cel.AnyType, "authorizer": library.AuthorizerType, "quantity": apiservercel.QuantityType,
	}
	if known, ok := simple[name]; ok && len(parameters) == 0 {
		return known, rest, nil
	}
	return nil, "", fmt.Errorf("bad type %q", text)
}

// celJSON writes a value so that its type shows: 1 is an int, {"double": "1"} is not.
func celJSON(value ref.Val) any {
	switch value := value.(type) {
	case types.Null:
		return nil
	case types.Bool:
		return bool(value)
	case types.Int:
		return int64(value)
	case types.String:
		return string(value)
	case types.Uint:
		return map[string]any{"uint": strconv.FormatUint(uint64(value), 10)}
	case types.Double:
		return map[string]any{"double": strconv.FormatFloat(float64(value), 'g', -1, 64)}
	case types.Bytes:
		return map[string]any{"bytes": base64.StdEncoding.EncodeToString(value)}
	case types.Duration:
		return map[string]any{"duration": value.Duration.String()}
	case types.Timestamp:
		return map[string]any{"timestamp": value.Time.UTC().Format(time.RFC3339Nano)}
	case *types.Optional:
		if !value.HasValue() {
			return map[string]any{"optional": []any{}}
		}
		return map[string]any{"optional": []any{celJSON(value.GetValue())}}
	case *types.Type:
		return map[string]any{"type": value.TypeName()}
	case traits.Lister:
		list := []any{}
		for items := value.Iterator(); items.HasNext() == types.True; {
			list = append(list, celJSON(items.Next()))
		}
		return list
	case traits.Mapper:
		entries := [][2]any{}
		for keys := value.Iterator(); keys.HasNext() == types.True; {
			key := keys.Next()
			entries = append(entries, [2]any{celJSON(key), celJSON(value.Get(key))})
		}
		sort.Slice(entries, func(i, j int) bool { return fmt.Sprint(entries[i][0]) < fmt.Sprint(entries[j][0]) })
		return map[string]any{"map": entries}
	default:
		return map[string]any{"object": value.Type().TypeName(), "text": fmt.Sprint(value.Value())}
	}
}

func init() {
	operations["cel.compile"] = op(celCompile)
	operations["cel.evaluate"] = op(celEvaluate)
}
