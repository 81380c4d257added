// Package v1alpha1 is the old version of Garden: its beds are called plots, and its limit is maxPlants.
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "conformance/operator/garden/v1"
)

var GroupVersion = schema.GroupVersion{Group: "operator.example.com", Version: "v1alpha1"}

// AddToScheme registers the kinds.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &Garden{}, &GardenList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

type Garden struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GardenSpec      `json:"spec,omitempty"`
	Status            v1.GardenStatus `json:"status,omitempty"`
}

type GardenSpec struct {
	Colour   string `json:"colour,omitempty"`
	Limit    int32  `json:"limit,omitempty"`
	Owner    string `json:"owner,omitempty"`
	Replicas *int32 `json:"replicas,omitempty"`
	Plots    []Plot `json:"plots,omitempty"`
}

type Plot struct {
	Title  string `json:"title"`
	Plants int32  `json:"plants"`
}

type GardenList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Garden `json:"items"`
}

var _ conversion.Convertible = &Garden{}

// ConvertTo makes a garden of today's version.
func (g *Garden) ConvertTo(hub conversion.Hub) error {
	out := hub.(*v1.Garden)
	out.ObjectMeta, out.Status = g.ObjectMeta, g.Status
	out.Spec = v1.GardenSpec{Colour: g.Spec.Colour, MaxPlants: g.Spec.Limit, Owner: g.Spec.Owner, Replicas: g.Spec.Replicas}
	for _, plot := range g.Spec.Plots {
		out.Spec.Beds = append(out.Spec.Beds, v1.Bed{Name: plot.Title, Plants: plot.Plants})
	}
	return nil
}

// ConvertFrom makes a garden of this version.
func (g *Garden) ConvertFrom(hub conversion.Hub) error {
	from := hub.(*v1.Garden)
	g.ObjectMeta, g.Status = from.ObjectMeta, from.Status
	g.Spec = GardenSpec{Colour: from.Spec.Colour, Limit: from.Spec.MaxPlants, Owner: from.Spec.Owner, Replicas: from.Spec.Replicas}
	for _, bed := range from.Spec.Beds {
		g.Spec.Plots = append(g.Spec.Plots, Plot{Title: bed.Name, Plants: bed.Plants})
	}
	return nil
}

func (g *Garden) DeepCopyInto(out *Garden) {
	*out = *g
	g.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	if g.Spec.Replicas != nil {
		replicas := *g.Spec.Replicas
		out.Spec.Replicas = &replicas
	}
	out.Spec.Plots = append([]Plot(nil), g.Spec.Plots...)
	out.Status.Conditions = nil
	for _, condition := range g.Status.Conditions {
		out.Status.Conditions = append(out.Status.Conditions, *condition.DeepCopy())
	}
}

func (g *Garden) DeepCopyObject() runtime.Object {
	out := new(Garden)
	g.DeepCopyInto(out)
	return out
}

func (l *GardenList) DeepCopyObject() runtime.Object {
	out := &GardenList{TypeMeta: l.TypeMeta, Items: make([]Garden, len(l.Items))}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	for at := range l.Items {
		l.Items[at].DeepCopyInto(&out.Items[at])
	}
	return out
}
