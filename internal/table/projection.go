package table

const projectionExpression = "ProjectionExpression"

// Projection is what of an item is wanted. It is safe for concurrent use.
type Projection struct {
	paths  []path
	nested []string // first names of paths that go on
}

// ParseProjection reads a projection expression. The error is a ValidationException. (Projection expressions in DynamoDB.)
func (p *Placeholders) ParseProjection(text string) (*Projection, error) {
	if err := admit(projectionExpression, text); err != nil {
		return nil, err
	}
	in := p.parser(text)
	out := &Projection{}
	for {
		found := in.path()
		if in.failed() {
			break
		}
		for _, other := range out.paths {
			in.touching(other, found)
		}
		out.paths = append(out.paths, found)
		if len(found) > 1 {
			out.nested = append(out.nested, found[0].name)
		}
		if !in.accept(",") {
			break
		}
	}
	if in.current.text != "" {
		in.fail()
	}
	if err := in.check(projectionExpression, faultReserved, faultName, faultOverlap, faultConflict); err != nil {
		return nil, err
	}
	return out, nil
}

// Attributes is the projection to whole attributes, as AttributesToGet names them.
func Attributes(names []string) *Projection {
	out := &Projection{}
	for _, name := range names {
		out.paths = append(out.paths, path{{name: name, index: -1}})
	}
	return out
}

// Apply returns the parts of an item that are wanted: all of it when the projection is missing.
func (p *Projection) Apply(item Item) Item {
	if p == nil {
		return item
	}
	return project(item, p.paths)
}

// project returns what lies at the paths, within the maps and lists in which it lies; lists close up.
func project(item Item, paths []path) Item {
	wanted := newSelection(paths)
	out := Item{}
	for _, name := range wanted.order {
		if v, ok := item[name.name]; ok {
			if part, ok := wanted.parts[name].of(v); ok {
				out[name.name] = part
			}
		}
	}
	return out
}

// selection is a tree of steps. One without parts wants everything below it.
type selection struct {
	order []step
	parts map[step]*selection
}

func newSelection(paths []path) *selection {
	root := &selection{}
	for _, p := range paths {
		at := root
		for _, s := range p {
			next, ok := at.parts[s]
			if !ok {
				if at.parts == nil {
					at.parts = map[step]*selection{}
				}
				next = &selection{}
				at.parts[s] = next
				at.order = append(at.order, s)
			}
			at = next
		}
	}
	return root
}

// of returns the parts of a value that are selected; false when there are none.
func (s *selection) of(v Value) (Value, bool) {
	if len(s.order) == 0 {
		return v, true
	}
	out := Value{Type: v.Type}
	if v.Type == L {
		for i, member := range v.List {
			if below, ok := s.parts[step{index: i}]; ok {
				if part, ok := below.of(member); ok {
					out.List = append(out.List, part)
				}
			}
		}
		return out, len(out.List) > 0
	}
	out.Map = map[string]Value{}
	for _, next := range s.order {
		if member, ok := v.member(next); ok {
			if part, ok := s.parts[next].of(member); ok {
				out.Map[next.name] = part
			}
		}
	}
	return out, len(out.Map) > 0
}
