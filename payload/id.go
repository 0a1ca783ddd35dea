package payload

import (
	"fmt"
	"strings"
)

// workflowMark stands between the collections and the workflow of a payload id.
const workflowMark = "/workflow-"

// ID is the identity of a payload: what it is made of and which workflow works on it. Its text form is
// `<collections>/workflow-<workflow>/<itemids>`.
//
// The three parts give the text back and the other way round, and so do the two parts of the state database's key:
// two ids that differ never share a record. For that one rule cuts an id, at the last `/workflow-` that leaves a valid
// remainder, and a workflow name holds no underscore, because the key is cut at the last one.
type ID struct {
	// Collections are the collections of the items, sorted and joined with a slash; "none" when no item names one.
	Collections string
	// Workflow is the name of the workflow. It holds neither a slash nor an underscore.
	Workflow string
	// ItemIDs are the ids of the items, sorted and joined with a slash.
	ItemIDs string
}

// ParseID cuts the text of a payload id into its parts. It fails, naming the text, when there is no such cut or when the
// workflow holds an underscore.
func ParseID(text string) (ID, error) {
	id, ok := CutID(text)
	if !ok {
		return ID{}, fmt.Errorf("payload id %q has not the form <collections>/workflow-<workflow>/<itemids>", text)
	}
	if err := checkWorkflowName(id.Workflow); err != nil {
		return ID{}, fmt.Errorf("payload id %q: %w", text, err)
	}
	return id, nil
}

// CutID cuts the text of a payload id as ParseID does, and lets the workflow's name be any: it is for telling about ids
// that are not accepted, never for keys.
func CutID(text string) (ID, bool) {
	// The collections lie in the first line: that is how far the original's pattern looks for them.
	head := text
	if end := strings.IndexByte(head, '\n'); end >= 0 {
		head = head[:min(len(text), end+len(workflowMark))]
	}
	for at := strings.LastIndex(head, workflowMark); at > 0; at = strings.LastIndex(head[:at], workflowMark) {
		collections := text[:at]
		workflow, items, found := strings.Cut(text[at+len(workflowMark):], "/")
		if found && workflow != "" && items != "" && items[0] != '\n' && !strings.Contains(collections, "\n") {
			return ID{Collections: collections, Workflow: workflow, ItemIDs: items}, true
		}
	}
	return ID{}, false
}

// String gives the text form.
func (id ID) String() string {
	return id.Collections + workflowMark + id.Workflow + "/" + id.ItemIDs
}

// PartitionKey is the state database's partition key, `<collections>_<workflow>`. The sort key is ItemIDs.
func (id ID) PartitionKey() string {
	return PartitionKey(id.Collections, id.Workflow)
}

// PartitionKey joins collections and a workflow to the state database's partition key.
func PartitionKey(collections, workflow string) string {
	return collections + "_" + workflow
}

// CutPartitionKey gives the collections and the workflow of a partition key, which is cut at its last underscore. It
// fails when there is none.
func CutPartitionKey(key string) (collections, workflow string, err error) {
	at := strings.LastIndexByte(key, '_')
	if at < 0 {
		return "", "", fmt.Errorf("partition key %q has not the form <collections>_<workflow>", key)
	}
	return key[:at], key[at+1:], nil
}

// IDFromKey is the id of the record with this partition and sort key. It fails when the partition key has no
// underscore. Records of others may hold keys that ParseID would not accept; they are given as they are.
func IDFromKey(partition, itemIDs string) (ID, error) {
	collections, workflow, err := CutPartitionKey(partition)
	if err != nil {
		return ID{}, err
	}
	return ID{Collections: collections, Workflow: workflow, ItemIDs: itemIDs}, nil
}

func checkWorkflowName(name string) error {
	if strings.Contains(name, "_") {
		return fmt.Errorf("workflow name %q holds an underscore, at which the record's key is cut: name the workflow without one", name)
	}
	return nil
}
