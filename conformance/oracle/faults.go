package main

import (
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// fault is what upstream says is wrong; Status is set when the error is one that a server would answer with.
type fault struct {
	Text   string         `json:"text"`
	Status *metav1.Status `json:"status,omitempty"`
}

func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	told := &fault{Text: err.Error()}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		full := status.Status()
		told.Status = &full
	}
	return told
}

// fieldError is one error of a field: its text in full, and its parts as the causes of a Status show them.
type fieldError struct {
	Type  string `json:"type"`
	Field string `json:"field"`
	Body  string `json:"body"`
	Text  string `json:"text"`
}

func fieldErrors(list field.ErrorList) []fieldError {
	told := make([]fieldError, 0, len(list))
	for _, err := range list {
		told = append(told, fieldError{Type: string(err.Type), Field: err.Field, Body: err.ErrorBody(), Text: err.Error()})
	}
	return told
}
