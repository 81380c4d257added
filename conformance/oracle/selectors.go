package main

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

type requirement struct {
	Key      string             `json:"key"`
	Operator selection.Operator `json:"operator"`
	Values   []string           `json:"values"`
}

type selectorArgs struct {
	Text string `json:"text"`
	// Sets are matched against the selector, each for itself.
	Sets []map[string]string `json:"sets"`
}

type selectorResult struct {
	Requirements []requirement `json:"requirements"`
	// Text is the selector as upstream writes it.
	Text    string `json:"text"`
	Empty   bool   `json:"empty"`
	Matches []bool `json:"matches"`
}

func labelSelectorResult(selector labels.Selector, sets []map[string]string) selectorResult {
	result := selectorResult{Requirements: []requirement{}, Text: selector.String(), Empty: selector.Empty(), Matches: []bool{}}
	requirements, _ := selector.Requirements()
	for _, one := range requirements {
		result.Requirements = append(result.Requirements, requirement{one.Key(), one.Operator(), one.ValuesUnsorted()})
	}
	for _, set := range sets {
		result.Matches = append(result.Matches, selector.Matches(labels.Set(set)))
	}
	return result
}

func parseLabels(args selectorArgs) (any, error) {
	selector, err := labels.Parse(args.Text)
	if err != nil {
		return nil, err
	}
	return labelSelectorResult(selector, args.Sets), nil
}

type labelSelectorArgs struct {
	Selector *metav1.LabelSelector `json:"selector"`
	Sets     []map[string]string   `json:"sets"`
	// Path is where validation says the selector is.
	Path string `json:"path"`
}

// convertLabels takes the selector that stands in objects ({matchLabels, matchExpressions}).
func convertLabels(args labelSelectorArgs) (any, error) {
	var path *field.Path
	if args.Path != "" {
		path = field.NewPath(args.Path)
	}
	errs := metav1validation.ValidateLabelSelector(args.Selector, metav1validation.LabelSelectorValidationOptions{}, path)
	result := struct {
		Errors   []fieldError    `json:"errors"`
		Selector *selectorResult `json:"selector,omitempty"`
		Fault    *fault          `json:"fault,omitempty"`
	}{Errors: fieldErrors(errs)}
	selector, err := metav1.LabelSelectorAsSelector(args.Selector)
	if err != nil {
		result.Fault = faultOf(err)
		return result, nil
	}
	told := labelSelectorResult(selector, args.Sets)
	result.Selector = &told
	return result, nil
}

type fieldSelectorArgs struct {
	Text string              `json:"text"`
	Sets []map[string]string `json:"sets"`
	// Names replaces fields by others; a field that it does not hold is refused. Without it, nothing is replaced.
	Names map[string]string `json:"names"`
}

func parseFields(args fieldSelectorArgs) (any, error) {
	selector, err := fields.ParseSelector(args.Text)
	if err != nil {
		return nil, err
	}
	selector, err = selector.Transform(func(name, value string) (string, string, error) {
		known, ok := args.Names[name]
		switch {
		case ok:
			return known, value, nil
		case args.Names == nil:
			return name, value, nil
		}
		return "", "", errors.New("field label not supported: " + name)
	})
	if err != nil {
		return nil, err
	}
	result := selectorResult{Requirements: []requirement{}, Text: selector.String(), Empty: selector.Empty(), Matches: []bool{}}
	for _, one := range selector.Requirements() {
		result.Requirements = append(result.Requirements, requirement{one.Field, one.Operator, []string{one.Value}})
	}
	for _, set := range args.Sets {
		result.Matches = append(result.Matches, selector.Matches(fields.Set(set)))
	}
	return result, nil
}

func init() {
	operations["labels.parse"] = op(parseLabels)
	operations["labels.convert"] = op(convertLabels)
	operations["fields.parse"] = op(parseFields)
}
