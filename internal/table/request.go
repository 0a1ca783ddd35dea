package table

// Get asks for an item.
type Get struct {
	Table      string
	Key        Item
	Projection *Projection
	Consistent bool
}

// Got is an item, nil when there is none, as far as it was asked for. Units are read capacity units of the whole item.
type Got struct {
	Item  Item
	Units float64
}

// What a Write does.
const (
	Put    = "Put"    // replaces the item
	Change = "Update" // changes attributes of the item, which begins as its key alone
	Delete = "Delete"
	Check  = "ConditionCheck" // only in transactions
)

// What a Write returns.
const (
	ReturnNone       = "NONE"
	ReturnAllOld     = "ALL_OLD"
	ReturnAllNew     = "ALL_NEW"
	ReturnUpdatedOld = "UPDATED_OLD"
	ReturnUpdatedNew = "UPDATED_NEW"
)

// Write changes an item.
type Write struct {
	Table           string
	Kind            string     // Put, Change, Delete, Check
	Item            Item       // Put
	Key             Item       // the others
	Update          *Update    // Change; nil only makes sure that the item is there
	Condition       *Condition // nil: none
	Return          string     // ReturnNone when empty
	ReturnOnFailure bool       // the error of a condition that fails has the item
}

// Written is what a Write returns. Attributes is nil when nothing was asked for or nothing was there. Units are write capacity units.
type Written struct {
	Attributes Item
	Units      float64
}

// KeyOf is the key of the item that a write, which was checked, changes.
func (w *Write) KeyOf(s *Schema) Item {
	if w.Kind == Put {
		return s.KeyOf(w.Item)
	}
	return w.Key
}

// CheckWrite refuses a write that does not fit the table, whatever items it has.
func (s *Schema) CheckWrite(w *Write) error {
	if w.Kind == Put {
		return s.CheckItem(w.Item)
	}
	if err := s.CheckKey(w.Key); err != nil {
		return err
	}
	if w.Update == nil {
		return nil
	}
	return s.CheckUpdate(w.Update)
}

// Decide is the item after a write, nil when there is to be none; old is the one before, or nil. The write was checked. The error is a
// ConditionFailed or Validation.
func (s *Schema) Decide(w *Write, old Item) (Item, error) {
	if !w.Condition.Match(old) {
		failed := &Error{Code: ConditionFailed, Message: "The conditional request failed"}
		if w.ReturnOnFailure {
			failed.Item = old
		}
		return nil, failed
	}
	switch w.Kind {
	case Put:
		return w.Item, nil
	case Delete:
		return nil, nil
	case Check:
		return old, nil
	}
	changed := old
	if changed == nil {
		changed = w.Key
	}
	if w.Update == nil {
		return changed, nil
	}
	changed, err := w.Update.apply(changed, s.Indexes)
	if err != nil {
		return nil, err
	}
	return changed, s.CheckUpdated(changed)
}

// Answer is what a write returns that has made one item of another.
func (w *Write) Answer(old, item Item) Written {
	out := Written{Units: WriteUnits(max(old.Size(), item.Size()))}
	switch w.Return {
	case ReturnAllOld:
		out.Attributes = old
	case ReturnAllNew:
		out.Attributes = item
	case ReturnUpdatedOld:
		if old != nil && w.Update != nil {
			out.Attributes = w.Update.Touched(old)
		}
	case ReturnUpdatedNew:
		if w.Update != nil {
			out.Attributes = w.Update.Touched(item)
		}
	}
	return out
}

// WriteUnits are the capacity units that writing so many bytes takes: one for each KB begun.
func WriteUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// ReadUnits are the capacity units that reading so many bytes takes: one for each 4 KB begun, half of that when the read need not be
// consistent. Nothing costs as much as a little.
func ReadUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if consistent {
		return units
	}
	return units / 2
}
