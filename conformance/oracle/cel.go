package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

func init() {
	operations["cel.run"] = op(celRun)
}

type celArgs struct {
	// Expression is compiled, and evaluated unless Self is missing.
	Expression string `json:"expression"`
	// Schema is the structural schema of self and oldSelf; without one both are dyn.
	Schema       json.RawMessage `json:"schema,omitempty"`
	ResourceRoot bool            `json:"resourceRoot,omitempty"`
	// Optional makes oldSelf an optional.
	Optional bool            `json:"optional,omitempty"`
	Self     json.RawMessage `json:"self,omitempty"`
	OldSelf  json.RawMessage `json:"oldSelf,omitempty"`
}

type celResult struct {
	// CompileError is the text of all issues; ProgramError that of what a constant part is wrong with.
	CompileError string `json:"compileError,omitempty"`
	ProgramError string `json:"programError,omitempty"`
	Type         string `json:"type,omitempty"`
	// Min and Max are the static estimate, as decimal digits.
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
	// Value is the result, each value tagged with its type; Error is the text of a failed evaluation.
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
	Cost  string `json:"cost,omitempty"`
}

type celEnv struct {
	env        *cel.Env
	estimator  *library.CostEstimator
	structural *structuralschema.Structural
}

var (
	celEnvs     = map[string]*celEnv{}
	celEnvsLock sync.Mutex
)

// celEnvsLimit is how many environments are kept; generated tests use few.
const celEnvsLimit = 200

func celEnvironment(args celArgs) (*celEnv, error) {
	key := fmt.Sprintf("%v %v %s", args.ResourceRoot, args.Optional, args.Schema)
	celEnvsLock.Lock()
	defer celEnvsLock.Unlock()
	if known, ok := celEnvs[key]; ok {
		return known, nil
	}
	made, err := newCelEnvironment(args)
	if err != nil {
		return nil, err
	}
	if len(celEnvs) >= celEnvsLimit {
		celEnvs = map[string]*celEnv{}
	}
	celEnvs[key] = made
	return made, nil
}

func newCelEnvironment(args celArgs) (*celEnv, error) {
	made := &celEnv{estimator: &library.CostEstimator{}}
	selfType := cel.DynType
	var declTypes []*apiservercel.DeclType
	if len(args.Schema) > 0 {
		structural, err := celStructural(args.Schema)
		if err != nil {
			return nil, err
		}
		made.structural = structural
		declType := model.SchemaDeclType(structural, args.ResourceRoot)
		if declType == nil {
			return nil, fmt.Errorf("oracle: the schema has no CEL type")
		}
		declType = declType.MaybeAssignTypeName("object")
		declTypes = append(declTypes, declType)
		selfType = declType.CelType()
		made.estimator.SizeEstimator = &celSizes{root: declType}
	}
	oldType := selfType
	if args.Optional {
		oldType = types.NewOptionalType(selfType)
	}
	set, err := environment.MustBaseEnvSet(version.MajorMinor(1, 36)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions:        []cel.EnvOption{cel.Variable("self", selfType), cel.Variable("oldSelf", oldType)},
		DeclTypes:         declTypes,
	})
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	made.env = set.NewExpressionsEnv()
	return made, nil
}

func celStructural(raw json.RawMessage) (*structuralschema.Structural, error) {
	var external apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(raw, &external); err != nil {
		return nil, fmt.Errorf("oracle: schema: %w", err)
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&external, &internal, nil); err != nil {
		return nil, fmt.Errorf("oracle: schema: %w", err)
	}
	structural, err := structuralschema.NewStructural(&internal)
	if err != nil {
		return nil, fmt.Errorf("oracle: schema: %w", err)
	}
	return structural, nil
}

// celSizes is apiextensions' estimator of sizes, which it does not export.
type celSizes struct {
	root *apiservercel.DeclType
}

func (c *celSizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	if len(element.Path()) == 0 {
		return nil
	}
	current := c.root
	for _, name := range element.Path()[1:] {
		switch name {
		case "@items", "@values":
			if current.ElemType == nil {
				return nil
			}
			current = current.ElemType
		case "@keys":
			if current.KeyType == nil {
				return nil
			}
			current = current.KeyType
		default:
			field, ok := current.Fields[name]
			if !ok || field.Type == nil {
				return nil
			}
			current = field.Type
		}
	}
	return &checker.SizeEstimate{Min: 0, Max: uint64(current.MaxElements)}
}

func (c *celSizes) EstimateCallCost(function, overloadID string, target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	return nil
}

func celRun(args celArgs) (any, error) {
	made, err := celEnvironment(args)
	if err != nil {
		return nil, err
	}
	var result celResult
	ast, issues := made.env.Compile(args.Expression)
	if issues != nil {
		result.CompileError = issues.String()
		return result, nil
	}
	result.Type = cel.FormatCELType(ast.OutputType())
	program, err := made.env.Program(ast, cel.CostLimit(celconfig.PerCallLimit), cel.CostTracking(made.estimator),
		cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		result.ProgramError = err.Error()
		return result, nil
	}
	estimate, err := made.env.EstimateCost(ast, made.estimator)
	if err != nil {
		return nil, fmt.Errorf("oracle: estimate: %w", err)
	}
	result.Min = strconv.FormatUint(estimate.Min, 10)
	result.Max = strconv.FormatUint(estimate.Max, 10)
	if len(args.Self) == 0 {
		return result, nil
	}
	variables, err := celVariables(args, made.structural)
	if err != nil {
		return nil, err
	}
	value, details, err := program.ContextEval(background, variables)
	if details != nil && details.ActualCost() != nil {
		result.Cost = strconv.FormatUint(*details.ActualCost(), 10)
	}
	if err != nil {
		result.Error = err.Error()
		return result, nil
	}
	result.Value = celValue(value)
	return result, nil
}

func celVariables(args celArgs, structural *structuralschema.Structural) (map[string]any, error) {
	convert := func(raw json.RawMessage) (any, error) {
		var value any
		if err := utiljson.Unmarshal(raw, &value); err != nil {
			return nil, fmt.Errorf("oracle: value: %w", err)
		}
		if structural == nil {
			return value, nil
		}
		schema := structural
		if args.ResourceRoot {
			schema = model.WithTypeAndObjectMeta(structural)
		}
		return common.UnstructuredToVal(value, &model.Structural{Structural: schema}), nil
	}
	self, err := convert(args.Self)
	if err != nil {
		return nil, err
	}
	variables := map[string]any{"self": self}
	if len(args.OldSelf) > 0 {
		old, err := convert(args.OldSelf)
		if err != nil {
			return nil, err
		}
		variables["oldSelf"] = old
		if args.Optional {
			variables["oldSelf"] = types.OptionalOf(types.DefaultTypeAdapter.NativeToValue(old))
		}
	} else if args.Optional {
		variables["oldSelf"] = types.OptionalNone
	}
	return variables, nil
}

// celValue tags a value with its type.
func celValue(value ref.Val) any {
	tag := func(name string, content any) any { return map[string]any{name: content} }
	switch v := value.(type) {
	case types.Null:
		return tag("null", true)
	case types.Bool:
		return tag("bool", bool(v))
	case types.Int:
		return tag("int", strconv.FormatInt(int64(v), 10))
	case types.Uint:
		return tag("uint", strconv.FormatUint(uint64(v), 10))
	case types.Double:
		return tag("double", strconv.FormatFloat(float64(v), 'g', -1, 64))
	case types.String:
		return tag("string", string(v))
	case types.Bytes:
		return tag("bytes", []byte(v))
	case types.Timestamp:
		return tag("timestamp", v.Time.Format(time.RFC3339Nano))
	case types.Duration:
		return tag("duration", strconv.FormatInt(int64(v.Duration), 10))
	case *types.Optional:
		if !v.HasValue() {
			return tag("optional", []any{})
		}
		return tag("optional", []any{celValue(v.GetValue())})
	case *types.Err:
		return tag("error", v.Error())
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			list = append(list, celValue(it.Next()))
		}
		return tag("list", list)
	case traits.Mapper:
		entries := [][2]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			if key == nil {
				continue
			}
			found, _ := v.Find(key)
			entries = append(entries, [2]any{celValue(key), celValue(found)})
		}
		sort.Slice(entries, func(i, j int) bool {
			a, _ := json.Marshal(entries[i][0])
			b, _ := json.Marshal(entries[j][0])
			return string(a) < string(b)
		})
		return tag("map", entries)
	case ref.Type:
		return tag("type", v.TypeName())
	default:
		if text, ok := value.(fmt.Stringer); ok {
			return tag(value.Type().TypeName(), text.String())
		}
		return tag(value.Type().TypeName(), true)
	}
}
