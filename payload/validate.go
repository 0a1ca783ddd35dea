package payload

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"sundog/payload/pytext"
)

// idForm is what an id has to look like.
const idForm = "<collections>/workflow-<workflow>/<itemids>"

// readProcess finds the process definitions. A bare one is let through here, and refused where a whole payload is asked for.
func (p *Payload) readProcess() error {
	process := p.fields.get("process")
	switch {
	case !process.Exists():
		return nil
	case process.IsObject():
		p.steps = []gjson.Result{process}
	case process.IsArray():
		p.steps = process.Array()
	default:
		return invalid("process", "expected an array of process definitions, found %s", kind(process))
	}
	if len(p.steps) == 0 {
		return nil
	}
	if !p.steps[0].IsObject() {
		return invalid("process[0]", "expected an object, found %s", kind(p.steps[0]))
	}
	p.current = readObject(p.steps[0])
	return nil
}

// checkDefinition checks the shape of the first process definition.
func checkDefinition(definition *object) error {
	for _, field := range []string{"workflow_options", "upload_options", "collection_options"} {
		if v := definition.get(field); v.Exists() && !v.IsObject() {
			return invalid("process[0]."+field, "expected an object, found %s", kind(v))
		}
	}
	if err := checkTasks(definition.get("tasks")); err != nil {
		return err
	}
	_, err := matchers(definition)
	return err
}

func checkTasks(tasks gjson.Result) error {
	const field = "process[0].tasks"
	switch {
	case !tasks.Exists():
		return nil
	case tasks.IsObject():
		for _, task := range readObject(tasks).members {
			if !task.value.IsObject() {
				return invalid(field+"."+task.name, "expected an object of parameters, found %s", kind(task.value))
			}
		}
		return nil
	case !tasks.IsArray():
		return invalid(field, "expected an object of tasks, found %s", kind(tasks))
	}
	for _, entry := range tasks.Array() {
		if !entry.IsObject() {
			return invalid(field, "expected objects with name and parameters, found %s", kind(entry))
		}
		task := readObject(entry)
		if name := task.get("name"); !name.Exists() || name.IsObject() || name.IsArray() {
			return invalid(field, "a task of the list has no name")
		}
		if parameters := task.get("parameters"); parameters.Exists() && !parameters.IsObject() {
			return invalid(field, "parameters of task %s: expected an object, found %s", text(task.get("name")), kind(parameters))
		}
	}
	return nil
}

// checkProcessable checks what a payload needs to be processed, and reads its id.
func (p *Payload) checkProcessable() error {
	process := p.fields.get("process")
	if !process.IsArray() || len(p.steps) == 0 {
		return invalid("process", "expected an array with at least one process definition")
	}
	if p.current.index("workflow") < 0 {
		return invalid("process[0].workflow", "missing: name the workflow")
	}
	id := p.fields.get("id")
	switch {
	case !id.Exists():
		return invalid("id", "missing")
	case id.Type != gjson.String:
		return invalid("id", "expected text of the form %s, found %s", idForm, kind(id))
	}
	var err error
	if p.id, err = ParseID(id.Str); err != nil {
		return &InvalidError{Field: "id", Reason: err.Error()}
	}
	if err := checkWorkflowName(p.Workflow()); err != nil {
		return &InvalidError{Field: "process[0].workflow", Reason: err.Error()}
	}
	return nil
}

// addID gives the payload the id that its items and its workflow make.
func (p *Payload) addID() error {
	if len(p.features) == 0 {
		return invalid("id", "missing, and without features there is none to derive")
	}
	workflow := p.current.get("workflow")
	if !workflow.Exists() {
		return invalid("id", "missing, and without process[0].workflow there is none to derive")
	}
	if workflow.IsArray() || workflow.IsObject() {
		return invalid("process[0].workflow", "expected text, found %s", kind(workflow))
	}
	collections, items, err := p.idParts()
	if err != nil {
		return err
	}
	encoded := pytext.AppendJSONString(nil, collections+workflowMark+text(workflow)+"/"+items)
	p.raw = withMember(p.raw, "id", encoded)
	p.fields.add(member{"id", gjson.ParseBytes(encoded)})
	return nil
}

// idParts joins the items' collections and ids, each in the order of their code points.
func (p *Payload) idParts() (collections, items string, err error) {
	var names, ids []string
	override := p.current.get("collections")
	for _, feature := range p.features {
		if !feature.IsObject() {
			return "", "", invalid("features", "expected Items, found %s", kind(feature))
		}
		var id, collection gjson.Result
		feature.ForEach(func(name, value gjson.Result) bool {
			switch name.Str {
			case "id":
				id = value
			case "collection":
				collection = value
			}
			return true
		})
		if id.Type != gjson.String {
			return "", "", invalid("features", "the id of an Item is text; found %s", kind(id))
		}
		ids = append(ids, id.Str)
		switch {
		case override.Exists() || !collection.Exists():
		case collection.Type != gjson.String:
			return "", "", invalid("features", "the collection of Item %s is text; found %s", id.Str, kind(collection))
		default:
			names = append(names, collection.Str)
		}
	}
	slices.Sort(ids)
	items = strings.Join(ids, "/")
	switch {
	case override.IsArray() || override.IsObject():
		return "", "", invalid("process[0].collections", "expected text such as a/b, found %s", kind(override))
	case override.Exists():
		return text(override), items, nil
	case len(names) == 0:
		return "none", items, nil
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "/"), items, nil
}

// kind names what a value is, for messages.
func kind(v gjson.Result) string {
	switch {
	case !v.Exists():
		return "nothing"
	case v.IsObject():
		return "an object"
	case v.IsArray():
		return "an array"
	case v.Type == gjson.String:
		return "text"
	case v.Type == gjson.Number:
		return "a number"
	case v.Type == gjson.Null:
		return "null"
	}
	return "a boolean"
}

// text is a scalar as Cirrus writes it into ids.
func text(v gjson.Result) string {
	return pytext.Str([]byte(v.Raw))
}
