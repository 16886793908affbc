package expr

// Signature describes a filter or function, for editors and documentation.
type Signature struct {
	Name   string
	Params []string // in their order; nil for one that takes what it is given
	World  bool     // it asks the Env
}

// Filters lists the filters by name.
func Filters() []Signature {
	list := make([]Signature, 0, len(filters))
	for _, name := range filterNames() {
		list = append(list, Signature{Name: name, Params: filters[name].params})
	}
	return list
}

// Functions lists the functions by name, without block.
func Functions() []Signature {
	list := make([]Signature, 0, len(functions))
	for _, name := range functionNames() {
		if f := functions[name]; f != nil {
			list = append(list, Signature{Name: name, Params: f.params, World: f.world})
		}
	}
	return list
}

// Tests lists what may follow "is", by name.
func Tests() []string { return testNames() }
