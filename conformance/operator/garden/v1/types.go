// Package v1 is the version of Garden that is stored, and the hub of its conversions.
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var GroupVersion = schema.GroupVersion{Group: "operator.example.com", Version: "v1"}

// AddToScheme registers the kinds.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &Garden{}, &GardenList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

type Garden struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GardenSpec   `json:"spec,omitempty"`
	Status            GardenStatus `json:"status,omitempty"`
}

type GardenSpec struct {
	Colour    string `json:"colour,omitempty"`
	MaxPlants int32  `json:"maxPlants,omitempty"`
	Owner     string `json:"owner,omitempty"`
	Replicas  *int32 `json:"replicas,omitempty"`
	Beds      []Bed  `json:"beds,omitempty"`
}

type Bed struct {
	Name   string `json:"name"`
	Plants int32  `json:"plants"`
}

type GardenStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Plants             int32              `json:"plants,omitempty"`
	Replicas           int32              `json:"replicas,omitempty"`
	Selector           string             `json:"selector,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type GardenList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Garden `json:"items"`
}

// Hub marks the version that the others convert to.
func (*Garden) Hub() {}

func (g *Garden) DeepCopyInto(out *Garden) {
	*out = *g
	g.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	if g.Spec.Replicas != nil {
		replicas := *g.Spec.Replicas
		out.Spec.Replicas = &replicas
	}
	out.Spec.Beds = append([]Bed(nil), g.Spec.Beds...)
	out.Status.Conditions = nil
	for _, condition := range g.Status.Conditions {
		out.Status.Conditions = append(out.Status.Conditions, *condition.DeepCopy())
	}
}

func (g *Garden) DeepCopy() *Garden {
	out := new(Garden)
	g.DeepCopyInto(out)
	return out
}

func (g *Garden) DeepCopyObject() runtime.Object { return g.DeepCopy() }

func (l *GardenList) DeepCopyObject() runtime.Object {
	out := &GardenList{TypeMeta: l.TypeMeta, Items: make([]Garden, len(l.Items))}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	for at := range l.Items {
		l.Items[at].DeepCopyInto(&out.Items[at])
	}
	return out
}
