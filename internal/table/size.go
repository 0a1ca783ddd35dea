package table

// Sizes are counted as the developer guide says (DynamoDB item sizes and formats): names and texts as UTF-8, a number about a byte for two
// digits and one more, a list or map three bytes and one for each member.

// Size is the size of an item in bytes.
func (i Item) Size() int {
	size := 0
	for name, v := range i {
		size += len(name) + v.size()
	}
	return size
}

func (v Value) size() int {
	size := 0
	switch v.Type {
	case S, B:
		return len(v.Text)
	case N:
		return numberSize(v.Text)
	case BOOL, NULL:
		return 1
	case SS, NS, BS:
		for _, member := range v.Set {
			size += Value{Type: v.Type.element(), Text: member}.size()
		}
	case L:
		size = 3
		for _, member := range v.List {
			size += 1 + member.size()
		}
	case M:
		size = 3 + len(v.Map) + Item(v.Map).Size()
	}
	return size
}

func numberSize(text string) int {
	d := parsedDecimal(text)
	if d.digits == "" {
		return 1
	}
	size := 1 + (len(d.digits)+1)/2
	if len(d.digits)%2 == 0 && d.exponent%2 == 0 {
		size++ // the pairs of digits are cut at the point
	}
	if d.negative {
		size++
	}
	return size
}

// PageSize is what an item adds to a page of Query or Scan, whose bound is MaxPageBytes. It is more or less than Size, since pages are
// counted as the items are stored: names as one byte, lengths beside values, and a header with the sort key for every 3 KB.
func (i Item) PageSize(sortKey string) int {
	size, repeated := 0, 0
	for name, v := range i {
		if name == sortKey {
			repeated = v.size()
			continue
		}
		size += 1 + v.storedSize()
	}
	return 2 + size + (1+(1+size)/3072)*(18+repeated)
}

func (v Value) storedSize() int {
	size := v.size()
	switch v.Type {
	case S:
		switch {
		case size < 1<<7:
			return size + 1
		case size < 1<<14:
			return size + 2
		}
		return size + 3
	case N, B:
		return size + 1
	case SS, NS, BS:
		return size + len(v.Set) + 1
	case NULL:
		return 0
	case L:
		size = 3
		for _, member := range v.List {
			size += 1 + member.storedSize()
		}
	case M:
		size = 3 + len(v.Map)
		for _, member := range v.Map {
			size += 1 + member.storedSize()
		}
	}
	return size
}
