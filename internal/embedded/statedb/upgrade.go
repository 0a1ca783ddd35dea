package statedb

import (
	"context"
	"fmt"

	"sundog/internal/embedded/store"
	"sundog/payload"
)

// version is that of what is stored. 1, which was not written down: without the index by workflow.
const (
	component = "statedb"
	version   = 2
)

// upgradeStep bounds the records that one transaction of an upgrade looks at.
const upgradeStep = 2000

// upgrade writes the index by workflow where an older program has left none. Nobody else writes records meanwhile; cut off, it
// begins again.
func upgrade(st *store.Store) error {
	switch found, err := st.Version(component); {
	case err != nil:
		return err
	case found > version:
		return fmt.Errorf("it has version %d, this program knows %d: use a newer one", found, version)
	case found == version:
		return nil
	}
	ctx := context.Background() // a store that is half up to date is of no use to anybody
	tx, n := st.Begin(), 0
	for e, err := range st.Scan(store.NewKey(store.PrefixRecord).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(e.Key)
		id, err := payload.IDFromKey(f.String(), f.String())
		if err != nil || f.Err() != nil {
			return fmt.Errorf("the key %q is not that of a record", e.Key)
		}
		r, err := decode(id, e.Value)
		if err != nil {
			return err
		}
		tx.Set(flowKey(&r), nil)
		if n++; n%upgradeStep == 0 {
			if err := tx.Commit(ctx); err != nil {
				return err
			}
			tx = st.Begin()
		}
	}
	store.SetVersionTx(tx, component, version)
	return tx.Commit(ctx)
}
